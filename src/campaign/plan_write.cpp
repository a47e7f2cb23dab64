#include <escapement/campaign.hpp>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace escapement::campaign {

namespace {

using OrderedJson = nlohmann::ordered_json;

OrderedJson json_of(const Guest& guest) {
    return {{"name", guest.name},
            {"command", guest.command},
            {"consoles", guest.consoles},
            {"journal", guest.journal},
            {"replay", guest.replay}};
}

OrderedJson json_of(const Plan& plan) {
    OrderedJson guests = OrderedJson::array();
    for (const Guest& guest : plan.guests)
        guests.push_back(json_of(guest));
    OrderedJson settings = OrderedJson::object();
    for (const Setting& setting : plan.settings)
        settings[setting.name] = setting.values;
    return {{"schema_version", Plan::schema_version},
            {"name", plan.name},
            {"guests", std::move(guests)},
            {"settings", std::move(settings)},
            {"runs", plan.runs},
            {"stock_runs", plan.stock_runs},
            {"kept_differences", plan.kept_differences},
            {"limits",
             {{"jobs", plan.limits.jobs},
              {"cpus_per_run", plan.limits.cpus_per_run},
              {"memory_mib", plan.limits.memory_mib},
              {"timeout_seconds", plan.limits.timeout_seconds}}},
            {"engine", plan.engine == Engine::slurm ? "slurm" : "local"},
            {"slurm", {{"options", plan.slurm.options}, {"most_tasks", plan.slurm.most_tasks}}}};
}

std::string shown(const OrderedJson* json) {
    constexpr std::size_t longest = 80;
    if (json == nullptr) return "nothing";
    std::string text = json->dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
    if (text.size() > longest) text = text.substr(0, longest) + "...";
    return text;
}

const OrderedJson* member(const OrderedJson& json, const std::string& key) {
    if (json.is_array()) {
        const auto index = std::stoul(key);
        return index < json.size() ? &json[index] : nullptr;
    }
    const auto found = json.find(key);
    return found == json.end() ? nullptr : &*found;
}

/// The first difference below `path`, a after b where a has more.
std::string difference(const std::string& path, const OrderedJson* a, const OrderedJson* b) {
    const bool both = a != nullptr && b != nullptr;
    if (both && *a == *b) return {};
    if (!both || a->type() != b->type() || !a->is_structured())
        return fmt::format("{}: {} and {}", path, shown(a), shown(b));
    for (const OrderedJson* side : {a, b}) {
        for (const auto& item : side->items()) {
            auto found = difference(path + '/' + item.key(), member(*a, item.key()), member(*b, item.key()));
            if (!found.empty()) return found;
        }
    }
    return {};
}

}  // namespace

std::string write_plan(const Plan& plan) {
    return json_of(plan).dump(2, ' ', false, OrderedJson::error_handler_t::replace) + '\n';
}

std::string difference(const Plan& a, const Plan& b) {
    const OrderedJson json_a = json_of(a);
    const OrderedJson json_b = json_of(b);
    return difference("", &json_a, &json_b);
}

}  // namespace escapement::campaign
