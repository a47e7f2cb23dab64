#pragma once
// The outcome of a `escapement verify` for other programs.

#include "verify_options.hpp"
#include "verify_session.hpp"

#include <tl/expected.hpp>

#include <string>

namespace escapement::verify {

/// Everything that is known, as one JSON object: settings, verdict, groups with summaries and runs, ratios.
std::string json_of(const Outcome& outcome, const Options& options);

/// JUnit XML: a test case for every ordered recording and replay. The other groups are in the table, which is
/// its standard output. A run that differs is a failure, one that is not complete an error.
std::string junit_of(const Outcome& outcome, const Options& options);

/// `text` for XML 1.0, in elements and in attributes. What XML cannot hold becomes U+FFFD.
std::string xml_escaped(const std::string& text);

/// Nothing if a file can be made at `path`, else why not. To be asked before hours of runs.
std::string cannot_write(const std::string& path);

/// Replaces the file at `path` as a whole: a reader sees the old one or the new one, and after an error the
/// old one.
tl::expected<void, std::string> write_whole(const std::string& path, const std::string& text);

}  // namespace escapement::verify
