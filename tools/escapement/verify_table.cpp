#include "verify_table.hpp"

#include "verify_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace escapement::verify {
namespace {

using Row = std::vector<std::string>;

/// Rows as columns: the first to the left, numbers to the right.
std::string aligned(const std::vector<Row>& rows) {
    std::vector<std::size_t> widths;
    for (const Row& row : rows) {
        widths.resize(std::max(widths.size(), row.size()));
        for (std::size_t column = 0; column < row.size(); ++column) {
            widths[column] = std::max(widths[column], row[column].size());
        }
    }
    std::string text;
    for (const Row& row : rows) {
        for (std::size_t column = 0; column < row.size(); ++column) {
            text += column == 0 ? fmt::format("{:<{}}", row[column], widths[column])
                                : fmt::format("  {:>{}}", row[column], widths[column]);
        }
        text += '\n';
    }
    return text;
}

/// Three digits or so.
std::string number_text(double value) {
    return fmt::format("{:.{}f}", value, value < 1 ? 3 : value < 100 ? 2 : 1);
}

std::string seconds_text(const std::optional<Spread>& spread) {
    return spread ? number_text(spread->median) : "-";
}

std::string range_text(const std::optional<Spread>& spread) {
    return spread ? number_text(spread->least) + "-" + number_text(spread->most) : "-";
}

std::string ratio_text(const std::optional<double>& ratio) {
    return ratio ? fmt::format("{:.2f}", *ratio) : "-";
}

std::optional<double> ratio_of(const std::optional<Spread>& above, const std::optional<Spread>& below) {
    if (!above || !below || below->median <= 0) return std::nullopt;
    return above->median / below->median;
}

std::string count_text(int count, int all) {
    return fmt::format("{} of {}", count, all);
}

/// Which columns are worth their place.
struct Columns {
    bool replay = false;
    bool events = false;
    bool byte = false;
    bool complete = false;
};

Columns columns_of(const std::vector<Summary>& summaries) {
    Columns columns;
    for (const Summary& summary : summaries) {
        columns.replay = columns.replay || summary.replays > 0;
        columns.events = columns.events || summary.events;
        columns.byte = columns.byte || summary.byte;
        columns.complete = columns.complete || summary.complete < summary.runs;
    }
    return columns;
}

Row header(const Columns& columns) {
    Row row{"", "wall s", "least-most", "CPU s"};
    if (columns.replay) row.insert(row.end(), {"replay s", "replayed"});
    if (columns.complete) row.emplace_back("complete");
    if (columns.events) row.emplace_back("events");
    row.emplace_back("identical");
    if (columns.events) row.insert(row.end(), {"by kind", "by payload"});
    if (columns.byte) row.emplace_back("by byte");
    return row;
}

Row line(const Group& group, const Summary& summary, const Columns& columns) {
    // Without a second run nothing was compared.
    const char* nothing = summary.complete < 2 ? "-" : "never";
    Row row{group.name, seconds_text(summary.wall), range_text(summary.wall), seconds_text(summary.cpu)};
    if (columns.replay) {
        row.push_back(seconds_text(summary.replay_wall));
        row.push_back(count_text(summary.replays_agreeing, summary.replays));
    }
    if (columns.complete) row.push_back(count_text(summary.complete, summary.runs));
    if (columns.events) row.push_back(text_of(summary.events, "-"));
    row.push_back(count_text(summary.identical, summary.runs));
    if (columns.events) {
        row.push_back(text_of(summary.by_kind, nothing));
        row.push_back(text_of(summary.by_payload, nothing));
    }
    if (columns.byte) row.push_back(text_of(summary.byte, nothing));
    return row;
}

}  // namespace

std::vector<Ratio> ratios_of(const std::vector<Group>& groups) {
    std::vector<Ratio> ratios;
    const auto add = [&ratios](const Group& above, const Group& below) {
        const Summary a = summarize(above);
        const Summary b = summarize(below);
        ratios.push_back({above.name + " / " + below.name, ratio_of(a.wall, b.wall), ratio_of(a.cpu, b.cpu),
                          ratio_of(a.replay_wall, b.replay_wall)});
    };
    for (std::size_t above = groups.size(); above-- > 1;) {
        for (std::size_t below = 0; below < above; ++below) {
            // Which of the two is above says which is the slower baseline: tick-tock is put against the
            // ordered runs.
            const bool baseline = groups[below].mode == Mode::ticktock;
            baseline ? add(groups[below], groups[above]) : add(groups[above], groups[below]);
        }
    }
    return ratios;
}

std::string table_of(const std::vector<Group>& groups) {
    std::vector<Summary> summaries;
    summaries.reserve(groups.size());
    for (const Group& group : groups)
        summaries.push_back(summarize(group));
    const Columns columns = columns_of(summaries);
    std::vector<Row> rows{header(columns)};
    for (std::size_t index = 0; index < groups.size(); ++index) {
        rows.push_back(line(groups[index], summaries[index], columns));
    }
    std::string text = aligned(rows);
    if (columns.events) {
        text +=
            "by kind, by payload: the event at which a recording first differs from the first of its group\n";
    } else if (columns.byte) {
        text += "by byte: where a file first differs from the first of its group\n";
    }
    if (groups.size() < 2) return text;

    std::vector<Row> ratio_rows{{"ratios of medians", "wall", "CPU"}};
    if (columns.replay) ratio_rows.front().emplace_back("replay");
    for (const Ratio& ratio : ratios_of(groups)) {
        Row row{ratio.name, ratio_text(ratio.wall), ratio_text(ratio.cpu)};
        if (columns.replay) row.push_back(ratio_text(ratio.replay));
        ratio_rows.push_back(std::move(row));
    }
    return text + '\n' + aligned(ratio_rows);
}

}  // namespace escapement::verify
