// Programs that everybody has: their output is what it is without an order, and the order is the same every
// time.

#include "ordered.hpp"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <fstream>

using namespace programs;

namespace {

bool is_here(const std::string& program) {
    if (run({.arguments = {"sh", "-c", "command -v " + program}}).status == 0) return true;
    WARN(program + " is not installed: skipped");
    return false;
}

/// Some megabytes that compress a little.
std::string make_input(const Scratch& scratch) {
    const std::string path = scratch.path("input");
    std::ofstream file(path, std::ios::binary);
    std::uint32_t state = 1;
    for (int word = 0; word < 500'000; ++word) {
        state = state * 1664525U + 1013904223U;
        file << (state >> 20U) << ' ';
    }
    return path;
}

/// Output and statistics, apart from times of the host: the order is in the numbers.
std::string order_of(const std::vector<std::string>& command, const Scratch& scratch, bool pinned) {
    const std::string path = scratch.path("statistics.json");
    std::vector<std::string> options = {"--stats=" + path};
    if (!pinned) options.insert(options.end(), {"--pin", "none"});
    const Ended ended = run({.arguments = ordered(command, options), .limit = std::chrono::seconds(60)});
    CAPTURE(ended.errors);
    REQUIRE(ended.status == 0);
    REQUIRE(ended.errors.empty());
    std::ifstream file(path);
    nlohmann::json json = nlohmann::json::parse(file);
    REQUIRE(json["reproducible"] == true);
    for (auto& participant : json["participants"])
        participant.erase("held_ns");
    return ended.output + json.dump();
}

void expect_same_order(const std::vector<std::string>& command) {
    const Scratch scratch;
    const Ended unordered = run({.arguments = command});
    REQUIRE(unordered.status == 0);
    const std::string first = order_of(command, scratch, true);
    REQUIRE(first.substr(0, unordered.output.size()) == unordered.output);
    for (int number = 0; number < 3; ++number) {
        const Load load;
        REQUIRE(order_of(command, scratch, number % 2 == 0) == first);
    }
}

}  // namespace

TEST_CASE("compressors with threads", "[real]") {
    const Scratch scratch;
    const std::string input = make_input(scratch);
    if (is_here("xz")) expect_same_order({"xz", "-T2", "-0", "--block-size=200KiB", "-kc", input});
    if (is_here("pigz")) expect_same_order({"pigz", "-p", "3", "-kc", input});
    if (is_here("zstd")) expect_same_order({"zstd", "-q", "-T2", "-B512K", "-c", input});
}

TEST_CASE("python with threads", "[real]") {
    if (!is_here("/usr/bin/python3")) return;
    const char* const program = R"(
import queue, threading, time, random, concurrent.futures
order = []
work = queue.Queue()
def run(name):
    while True:
        item = work.get()
        if item is None:
            return
        order.append((name, item))
        time.sleep(random.random())
threads = [threading.Thread(target=run, args=(name,)) for name in range(4)]
for thread in threads: thread.start()
for item in range(60): work.put(item)
for thread in threads: work.put(None)
for thread in threads: thread.join()
with concurrent.futures.ThreadPoolExecutor(3) as pool:
    squares = list(pool.map(lambda value: value * value, range(50)))
print(sorted(item for name, item in order), sum(squares))
import sys
print(hash(tuple(order)), file=open(sys.argv[1], 'w'))
)";
    const Scratch scratch;
    std::string first;
    for (int number = 0; number < 5; ++number) {
        const std::string path = scratch.path("order");
        order_of({"/usr/bin/python3", "-c", program, path}, scratch, number % 2 == 0);
        std::string line;
        std::getline(std::ifstream(path) >> std::ws, line);
        REQUIRE_FALSE(line.empty());
        if (first.empty()) first = line;
        REQUIRE(line == first);
    }
}

TEST_CASE("python with asyncio", "[real]") {
    if (!is_here("/usr/bin/python3")) return;
    const char* const program = R"(
import asyncio
async def talk(reader, writer):
    while line := await reader.readline():
        writer.write(line.upper())
        await writer.drain()
    writer.close()
async def ask(port, name):
    reader, writer = await asyncio.open_connection('127.0.0.1', port)
    answers = []
    for each in range(5):
        await asyncio.sleep(0.1 * name)
        writer.write(f'{name} {each}\n'.encode())
        answers.append((await reader.readline()).decode().strip())
    writer.close()
    return answers
async def main():
    server = await asyncio.start_server(talk, '127.0.0.1', 0)
    port = server.sockets[0].getsockname()[1]
    slow = asyncio.get_running_loop().run_in_executor(None, sum, range(10000))
    print(await asyncio.gather(*(ask(port, name) for name in range(4))), await slow)
asyncio.run(main())
)";
    const Ended unordered = run({.arguments = {"/usr/bin/python3", "-c", program}});
    REQUIRE(unordered.status == 0);
    for (int number = 0; number < 3; ++number) {
        const Ended ended = run({.arguments = ordered({"/usr/bin/python3", "-c", program})});
        CAPTURE(ended.errors);
        REQUIRE(ended.status == 0);
        REQUIRE(ended.output == unordered.output);
    }
}

TEST_CASE("node with worker threads", "[real]") {
    if (!is_here("node")) return;
    const char* const program = R"(
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');
let left = 3, sum = 0;
for (let each = 0; each < 3; ++each) {
  const worker = new Worker(`
    const { parentPort, workerData } = require('worker_threads');
    let sum = 0;
    for (let value = 0; value < 100000; ++value) sum += value % (workerData + 2);
    parentPort.postMessage(sum);`, { eval: true, workerData: each });
  worker.on('message', value => { sum += value; });
  worker.on('exit', () => { if (--left === 0) console.log(sum); });
}
)";
    const Ended unordered = run({.arguments = {"node", "-e", program}});
    REQUIRE(unordered.status == 0);
    for (int number = 0; number < 3; ++number) {
        const Ended ended =
            run({.arguments = ordered({"node", "-e", program}), .limit = std::chrono::seconds(60)});
        CAPTURE(ended.errors);
        REQUIRE(ended.status == 0);
        REQUIRE(ended.output == unordered.output);
    }
}
