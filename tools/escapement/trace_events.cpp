#include "trace_events.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace escapement::command {

std::string json_string(std::string_view text) {
    using nlohmann::json;
    return json(text).dump(-1, ' ', false, json::error_handler_t::replace);
}

namespace {

/// Microseconds, exactly.
std::string microseconds(std::uint64_t time) {
    return fmt::format("{}.{:03}", time / 1000, time % 1000);
}

}  // namespace

TraceEvents::TraceEvents(std::FILE* file) : file_(file) {
    fmt::print(file_, "{{\"traceEvents\":[");
}

void TraceEvents::event(char kind, Track track, std::string_view name, Time time, std::string_view more) {
    fmt::print(file_, "{}\n{{\"ph\":\"{}\",\"pid\":1,\"tid\":{},\"ts\":{},\"name\":{}{}}}", first_ ? "" : ",",
               kind, track, microseconds(time), json_string(name), more);
    first_ = false;
}

void TraceEvents::name_process(std::string_view name) {
    event('M', 0, "process_name", 0, fmt::format(",\"args\":{{\"name\":{}}}", json_string(name)));
}

void TraceEvents::name_track(Track track, std::string_view name) {
    event('M', track, "thread_name", 0, fmt::format(",\"args\":{{\"name\":{}}}", json_string(name)));
    event('M', track, "thread_sort_index", 0, fmt::format(",\"args\":{{\"sort_index\":{}}}", track));
}

void TraceEvents::slice(Track track, std::string_view name, const char* colour, Time begin, Time end) {
    event('X', track, name, begin,
          fmt::format(",\"dur\":{},\"cname\":\"{}\"", microseconds(end > begin ? end - begin : 0), colour));
}

void TraceEvents::instant(Track track, std::string_view name, Time time, std::string_view details) {
    event('i', track, name, time,
          fmt::format(",\"s\":\"t\"{}{}", details.empty() ? "" : ",\"args\":", details));
}

void TraceEvents::arrow_from(Track track, std::string_view name, std::uint64_t number, Time time) {
    event('s', track, name, time, fmt::format(",\"cat\":{},\"id\":{}", json_string(name), number));
}

void TraceEvents::arrow_to(Track track, std::string_view name, std::uint64_t number, Time time) {
    event('f', track, name, time,
          fmt::format(",\"bp\":\"e\",\"cat\":{},\"id\":{}", json_string(name), number));
}

void TraceEvents::counter(std::string_view name, Time time, std::uint64_t value) {
    event('C', 0, name, time, fmt::format(",\"args\":{{\"counts\":{}}}", value));
}

bool TraceEvents::end() {
    fmt::print(file_, "\n],\"displayTimeUnit\":\"ns\"}}\n");
    return std::fflush(file_) == 0 && std::ferror(file_) == 0;
}

}  // namespace escapement::command
