#pragma once
// Writes a trace in Chrome's format, as Perfetto reads it, event by event.
//
//     TraceEvents events(file);
//     events.name_track(1, "1 (rr)");
//     events.slice(1, "running", "thread_state_running", 100, 250);
//     events.end();
//
// Source: "Trace Event Format" (Google, 2016): X: slice, i: instant, s and f: flow, C: counter, M: metadata.
// Times are in counts and are written as nanoseconds. Thread safety: none.

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

namespace escapement::command {

class TraceEvents {
  public:
    using Time = std::uint64_t;
    using Track = std::uint64_t;

    explicit TraceEvents(std::FILE* file);

    void name_process(std::string_view name);
    void name_track(Track track, std::string_view name);
    /// `colour`: one of Chrome's names; Perfetto chooses by the slice's name.
    void slice(Track track, std::string_view name, const char* colour, Time begin, Time end);
    /// `details`: a JSON object, or empty.
    void instant(Track track, std::string_view name, Time time, std::string_view details);
    /// An arrow begins and ends at what is there at that time: Chrome's viewer takes the slice or instant
    /// that began first, Perfetto the one that was written last.
    void arrow_from(Track track, std::string_view name, std::uint64_t number, Time time);
    void arrow_to(Track track, std::string_view name, std::uint64_t number, Time time);
    void counter(std::string_view name, Time time, std::uint64_t value);
    /// False if not everything could be written.
    [[nodiscard]] bool end();

  private:
    void event(char kind, Track track, std::string_view name, Time time, std::string_view more);
    std::FILE* file_;
    bool first_ = true;
};

/// `text` as a JSON string, with its quotes; what is not UTF-8 is replaced.
std::string json_string(std::string_view text);

}  // namespace escapement::command
