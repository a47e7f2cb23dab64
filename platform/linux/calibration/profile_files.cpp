// Profiles in files.

#include <escapement/profile.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <utility>

namespace escapement {

namespace {

class File {
  public:
    explicit File(int descriptor) : descriptor_(descriptor) {}
    ~File() {
        if (descriptor_ >= 0) ::close(descriptor_);
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    [[nodiscard]] int get() const { return descriptor_; }
    /// Some file systems say only now that they could not write.
    int close() { return ::close(std::exchange(descriptor_, -1)); }

  private:
    int descriptor_;
};

tl::unexpected<std::string> trouble(const std::string& path, const std::string& what, int error) {
    return tl::unexpected(path + ": " + what + ": " + std::strerror(error));
}

bool write_all(int descriptor, std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = write(descriptor, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return false;
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

std::string now_in_utc() {
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    gmtime_r(&now, &parts);
    char text[32];
    return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

}  // namespace

std::string standard_profile_path() {
    // Relative ones do not count (XDG Base Directory Specification).
    const auto directory = [](const char* variable) {
        const char* const value = secure_getenv(variable);
        return value != nullptr && value[0] == '/' ? std::string(value) : std::string();
    };
    std::string base = directory("XDG_CONFIG_HOME");
    if (base.empty()) {
        base = directory("HOME");
        if (base.empty()) return {};
        base += "/.config";
    }
    return base + "/escapement/profile.json";
}

tl::expected<Profile, std::string> load_profile(const std::string& path) {
    // Not to wait for whoever writes to a pipe.
    const File file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (file.get() < 0) return trouble(path, "cannot read this profile", errno);
    struct stat status {};
    if (fstat(file.get(), &status) != 0) return trouble(path, "cannot read this profile", errno);
    if (!S_ISREG(status.st_mode))
        return tl::unexpected(path + ": a profile is a regular file, which this is not");
    const auto too_large = [&] {
        return tl::unexpected(path + ": larger than a profile can be, which is " +
                              std::to_string(largest_profile) + " bytes");
    };
    if (static_cast<std::uintmax_t>(status.st_size) > largest_profile) return too_large();
    std::string text;
    char part[1U << 16U];
    for (;;) {
        const ssize_t got = read(file.get(), part, sizeof part);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return trouble(path, "cannot read this profile", errno);
        if (got == 0) break;
        text.append(part, static_cast<std::size_t>(got));
        if (text.size() > largest_profile) return too_large();
    }
    return read_profile(text, path);
}

tl::expected<void, std::string> store_profile(const Profile& profile, const std::string& path) {
    const std::string what = "cannot write this profile";
    if (path.empty()) return tl::unexpected<std::string>("a profile needs a path to be written to");
    const std::filesystem::path target(path);
    const std::string directory = target.has_parent_path() ? target.parent_path().string() : ".";
    std::error_code error;
    std::filesystem::create_directories(directory, error);
    if (error) return tl::unexpected(path + ": cannot make the directory: " + error.message());
    if (std::filesystem::is_directory(target, error)) return trouble(path, what, EISDIR);

    Profile stamped = profile;
    if (stamped.created.empty()) stamped.created = now_in_utc();
    // Not for everybody, though it holds no secret; umask(2) may make that less. Always a new file: what
    // others left under a name that they foresaw is not written to.
    constexpr mode_t mode = 0640;
    constexpr int most_tries = 100;
    std::string temporary;
    int opened = -1;
    for (int number = 0; number < most_tries && opened < 0; ++number) {
        temporary = path + "." + std::to_string(getpid()) + "." + std::to_string(number) + "~";
        opened = open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
        if (opened < 0 && errno != EEXIST) break;
    }
    File file(opened);
    if (file.get() < 0) return trouble(path, what, errno);
    if (!write_all(file.get(), write_profile(stamped)) || fsync(file.get()) != 0 || file.close() != 0 ||
        rename(temporary.c_str(), path.c_str()) != 0) {
        const int failure = errno;
        unlink(temporary.c_str());
        return trouble(path, what, failure);
    }
    // The new name outlives a loss of power; whether it does changes nothing here.
    const File parent(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (parent.get() >= 0) static_cast<void>(fsync(parent.get()));
    return {};
}

}  // namespace escapement
