#pragma once
// Where the runs of one `escapement verify` put their files.

#include <tl/expected.hpp>

#include <string>

namespace escapement::verify {

/// A directory for all runs, which is removed with everything in it unless it is to be kept.
class WorkDirectory {
  public:
    /// In the directory for temporary files (TMPDIR, else /tmp).
    static tl::expected<WorkDirectory, std::string> temporary();
    /// At a place that the user chose, and kept. It is made if it does not exist; it must be empty, because
    /// a file that an earlier run left would be taken for this one's.
    static tl::expected<WorkDirectory, std::string> at(const std::string& path);

    WorkDirectory(WorkDirectory&& other) noexcept;
    WorkDirectory(const WorkDirectory&) = delete;
    WorkDirectory& operator=(const WorkDirectory&) = delete;
    WorkDirectory& operator=(WorkDirectory&&) = delete;
    ~WorkDirectory();

    const std::string& path() const { return path_; }
    bool kept() const { return kept_; }
    void keep() { kept_ = true; }

    /// Makes `name` in it, which must not exist yet, and gives back its path.
    tl::expected<std::string, std::string> make(const std::string& name) const;
    void remove(const std::string& name) const;

    /// A sentence if there is no space left for files, else "".
    std::string shortage() const;

  private:
    WorkDirectory(std::string path, bool kept) : path_(std::move(path)), kept_(kept) {}

    std::string path_;
    bool kept_ = false;
};

/// Makes `copy`, which is known to be equal to `original`, take up no space of its own, where the file system
/// can.
void share_space(const std::string& original, const std::string& copy);

}  // namespace escapement::verify
