#include "divergence/cursor.hpp"

#include <escapement/qemu_log.hpp>

#include <istream>
#include <memory>
#include <utility>

namespace escapement {

using divergence::Cursor;
using divergence::SpanBuffer;
using divergence::Step;

struct QemuLogReader::Impl {
    Impl(std::istream& log, std::string name) : cursor(log, std::move(name)) {}
    Impl(std::span<const std::byte> log, std::string name)
        : bytes(std::make_unique<SpanBuffer>(log)),
          stream(std::make_unique<std::istream>(bytes.get())),
          cursor(*stream, std::move(name), log.size()) {}

    static tl::expected<QemuLogReader, QemuLogError> opened(std::unique_ptr<Impl> impl) {
        if (auto error = impl->cursor.open()) return tl::make_unexpected(std::move(*error));
        return QemuLogReader(std::move(impl));
    }

    std::unique_ptr<SpanBuffer> bytes;  // Only if it is bytes that are read.
    std::unique_ptr<std::istream> stream;
    Cursor cursor;
};

QemuLogReader::QemuLogReader(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
QemuLogReader::QemuLogReader(QemuLogReader&&) noexcept = default;
QemuLogReader& QemuLogReader::operator=(QemuLogReader&&) noexcept = default;
QemuLogReader::~QemuLogReader() = default;

tl::expected<QemuLogReader, QemuLogError> QemuLogReader::open(std::istream& log, std::string name) {
    return Impl::opened(std::make_unique<Impl>(log, std::move(name)));
}

tl::expected<QemuLogReader, QemuLogError> QemuLogReader::open(std::span<const std::byte> log,
                                                              std::string name) {
    return Impl::opened(std::make_unique<Impl>(log, std::move(name)));
}

bool QemuLogReader::next(QemuEvent& event) {
    if (impl_->cursor.next() == Step::over) return false;
    event = impl_->cursor.event();
    return true;
}

const std::optional<QemuLogError>& QemuLogReader::trouble() const noexcept {
    return impl_->cursor.trouble();
}

namespace {

tl::expected<QemuLogSummary, QemuLogError> summarize(Cursor cursor) {
    if (auto error = cursor.open()) return tl::make_unexpected(std::move(*error));
    QemuLogSummary summary;
    while (cursor.next() == Step::event)
        ++summary.by_kind[static_cast<std::size_t>(cursor.kind())];
    for (const std::uint64_t count : summary.by_kind)
        summary.events += count;
    summary.name = cursor.name();
    summary.bytes = cursor.bytes_read();
    summary.icount = cursor.icount();
    summary.trouble = cursor.trouble();
    return summary;
}

}  // namespace

tl::expected<QemuLogSummary, QemuLogError> summarize_qemu_log(std::istream& log, std::string name) {
    return summarize(Cursor(log, std::move(name)));
}

tl::expected<QemuLogSummary, QemuLogError> summarize_qemu_log(std::span<const std::byte> log,
                                                              std::string name) {
    SpanBuffer bytes(log);
    std::istream stream(&bytes);
    return summarize(Cursor(stream, std::move(name), log.size()));
}

}  // namespace escapement
