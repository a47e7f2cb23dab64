#pragma once
// The other end of a guest's or a monitor's line: a Unix socket, a terminal, or a pipe.

#include <filesystem>
#include <string>

namespace escapement::qemu_tests {

class Connection {
  public:
    /// Tries until the socket is there, for at most 10 seconds.
    static Connection to_socket(const std::filesystem::path& path);
    static Connection to_terminal(const std::string& path);
    explicit Connection(int descriptor) : descriptor_(descriptor) {}
    ~Connection();
    Connection(Connection&& other) noexcept;
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    Connection& operator=(Connection&&) = delete;

    void write(const std::string& text) const;
    /// Reads until the text has come, and returns what came before; fails if it does not within so many
    /// seconds.
    std::string await(const std::string& text, double seconds = 60);

  private:
    int descriptor_;
    std::string received_;
};

/// A pipe: the reading end is for a process, the writing end is a Connection.
struct Pipe {
    Pipe();
    ~Pipe();
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
    int to_read = -1;
    int to_write = -1;
};

/// Waits until a file contains a text; fails if it does not within so many seconds. Returns its contents.
std::string await_in_file(const std::filesystem::path& file, const std::string& text, double seconds = 90);

/// A QMP session: greeted, ready for commands.
Connection open_qmp(const std::filesystem::path& path);
/// Sends a command and waits for its answer.
void qmp(Connection& connection, const std::string& command);

}  // namespace escapement::qemu_tests
