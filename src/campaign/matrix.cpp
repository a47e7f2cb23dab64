#include "campaign/settings.hpp"

#include <algorithm>

namespace escapement::campaign {

namespace {

/// `text` with the placeholders of `values` replaced, in one pass: a value that looks like a placeholder
/// stays as it is.
std::string fill_in(const std::string& text, const Values& values) {
    std::string filled;
    for (std::size_t at = 0; at < text.size();) {
        const auto here = std::find_if(values.begin(), values.end(), [&](const auto& value) {
            const std::string placeholder = placeholder_of(value.first);
            return text.compare(at, placeholder.size(), placeholder) == 0;
        });
        if (here == values.end()) {
            filled += text[at++];
        } else {
            filled += here->second;
            at += placeholder_of(here->first).size();
        }
    }
    return filled;
}

std::vector<std::string> fill_in(const std::vector<std::string>& texts, const Values& values) {
    std::vector<std::string> filled;
    filled.reserve(texts.size());
    for (const std::string& text : texts)
        filled.push_back(fill_in(text, values));
    return filled;
}

/// Calls `each` with every choice of one value of each of `settings`, the last one changing fastest.
void for_choices(const std::vector<const Setting*>& settings, const auto& each) {
    std::vector<std::size_t> chosen(settings.size(), 0);
    while (true) {
        Values values;
        for (std::size_t index = 0; index < settings.size(); ++index)
            values.emplace_back(settings[index]->name, settings[index]->values[chosen[index]]);
        each(values);
        std::size_t index = settings.size();
        while (index > 0 && ++chosen[index - 1] == settings[index - 1]->values.size())
            chosen[--index] = 0;
        if (index == 0) return;
    }
}

class Matrix {
  public:
    explicit Matrix(const Plan& plan) : plan_(plan) {}

    std::vector<Cell> build() {
        for (std::size_t guest = 0; guest < plan_.guests.size(); ++guest) {
            std::vector<const Setting*> ordered;
            std::vector<const Setting*> stock;
            for (const Setting& setting : plan_.settings) {
                const bool used = uses(plan_.guests[guest], setting.name);
                if (used || is_run_option(setting.name)) ordered.push_back(&setting);
                if (used) stock.push_back(&setting);
            }
            for_choices(ordered, [&](const Values& values) { add(guest, values, false); });
            if (plan_.stock_runs > 0)
                for_choices(stock, [&](const Values& values) { add(guest, values, true); });
        }
        return std::move(cells_);
    }

  private:
    void add(std::size_t guest, const Values& values, bool stock) {
        Cell cell{.number = cells_.size() + 1,
                  .guest = guest,
                  .stock = stock,
                  .options = {},
                  .values = {},
                  .command = fill_in(plan_.guests[guest].command, values),
                  .runs = stock ? plan_.stock_runs : plan_.runs};
        for (const auto& value : values) {
            if (!stock && is_run_option(value.first)) cell.options.push_back(value);
            if (uses(plan_.guests[guest], value.first)) cell.values.push_back(value);
        }
        cells_.push_back(std::move(cell));
    }

    const Plan& plan_;
    std::vector<Cell> cells_;
};

}  // namespace

std::vector<Cell> cells_of(const Plan& plan) {
    return Matrix(plan).build();
}

std::vector<Run> runs_of(const std::vector<Cell>& cells) {
    std::uint64_t most = 0;
    for (const Cell& cell : cells)
        most = std::max(most, cell.runs);
    std::vector<Run> runs;
    for (std::uint64_t number = 1; number <= most; ++number) {
        for (const Cell& cell : cells) {
            if (number <= cell.runs) runs.push_back({cell.number, number});
        }
    }
    return runs;
}

}  // namespace escapement::campaign
