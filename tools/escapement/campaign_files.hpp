#pragma once
// Files that are whole or not there, whenever the process or the host dies.

#include <tl/expected.hpp>

#include <string>

namespace escapement::campaign {

/// Puts `text` at `path`: a reader finds nothing, what was there before, or all of it. On the disk when this
/// returns.
tl::expected<void, std::string> put_file(const std::string& path, const std::string& text);

/// The whole of a file.
tl::expected<std::string, std::string> get_file(const std::string& path);

/// Makes sure that a directory's files are on the disk.
void settle(const std::string& directory);

/// Held by one process at a time, and let go when that ends, however it ends.
class FileLock {
  public:
    /// An error if another process holds it.
    static tl::expected<FileLock, std::string> take(const std::string& path);
    FileLock(FileLock&& other) noexcept;
    FileLock(const FileLock&) = delete;
    FileLock& operator=(const FileLock&) = delete;
    FileLock& operator=(FileLock&&) = delete;
    ~FileLock();

  private:
    explicit FileLock(int descriptor) : descriptor_(descriptor) {}
    int descriptor_ = -1;
};

}  // namespace escapement::campaign
