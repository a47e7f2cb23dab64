// A program that no library can be put before.

#include <cstdio>

int main() {
    std::puts("static");
}
