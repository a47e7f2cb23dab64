#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <random>
#include <thread>

namespace escapement::simulation {

/// A pipe that bytes come out of whenever they like.
class RandomInput {
  public:
    explicit RandomInput(std::uint32_t noise) {
        if (pipe2(ends_.data(), O_NONBLOCK | O_CLOEXEC) != 0) return;
        writer_ = std::thread([this, noise] {
            std::minstd_rand random(noise);
            while (!ends_now_.load()) {
                std::array<unsigned char, 7> bytes{};
                for (unsigned char& each : bytes)
                    each = static_cast<unsigned char>(random());
                [[maybe_unused]] const ssize_t written = write(ends_[1], bytes.data(), 1 + random() % 7);
                std::this_thread::sleep_for(std::chrono::microseconds(random() % 300));
            }
        });
    }
    ~RandomInput() {
        ends_now_.store(true);
        if (writer_.joinable()) writer_.join();
        ::close(ends_[0]);
        ::close(ends_[1]);
    }
    RandomInput(const RandomInput&) = delete;
    RandomInput& operator=(const RandomInput&) = delete;
    [[nodiscard]] int descriptor() const { return ends_[0]; }

  private:
    std::array<int, 2> ends_{-1, -1};
    std::atomic<bool> ends_now_{false};
    std::thread writer_;
};

}  // namespace escapement::simulation
