#include "campaign/sense.hpp"
#include "profile/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <optional>
#include <set>

namespace escapement::campaign {

namespace {

using profile::Json;
using profile::printable;

constexpr std::size_t longest_argument = 100'000;  // Linux takes 131,071 bytes
constexpr std::size_t longest_name = 100;

std::string kind_of(const Json& json) {
    const std::string_view type = json.type_name();
    if (json.is_null()) return "null";
    if (json.is_number_float()) return json.dump();
    return fmt::format("{} {}", type == "object" || type == "array" ? "an" : "a", type);
}

/// Keeps the first thing that is wrong, and where; after that it reads nothing more.
class PlanReader {
  public:
    std::optional<std::string> refusal;

    void plan(const Json& json, Plan& plan) {
        Object whole(*this, json);
        if (!json.is_object()) return;
        version(whole);
        whole.required("name", [&](const Json& value) { words(value, plan.name, longest_name, false); });
        whole.required("guests", [&](const Json& value) {
            items(value, plan.guests, 1, 1000, [&](const Json& item, Guest& guest) { read(item, guest); });
        });
        whole.optional("settings", [&](const Json& value) { settings(value, plan.settings); });
        whole.required("runs", [&](const Json& value) { count(value, plan.runs, 1, most_runs); });
        whole.optional("stock_runs", [&](const Json& value) { count(value, plan.stock_runs, 0, most_runs); });
        whole.optional("kept_differences",
                       [&](const Json& value) { count(value, plan.kept_differences, 0, most_runs); });
        whole.optional("limits", [&](const Json& value) { read(value, plan.limits); });
        whole.optional("engine", [&](const Json& value) { engine(value, plan.engine); });
        whole.optional("slurm", [&](const Json& value) { read(value, plan.slurm); });
        whole.end();
    }

    void refuse(std::string reason) {
        if (refusal) return;
        refusal = path_.empty() ? std::move(reason) : path_ + ": " + reason;
    }

  private:
    template <typename Read>
    void inside(const auto& name, Read read_it) {
        if (refusal) return;
        const std::size_t before = path_.size();
        path_ += fmt::format("/{}", name);
        read_it();
        path_.resize(before);
    }

    /// The keys of one object. `end` refuses those that were not asked for.
    class Object {
      public:
        Object(PlanReader& reader, const Json& json) : reader_(reader), json_(json) {
            if (!json.is_object()) reader.refuse("expected an object, found " + kind_of(json));
        }
        void required(const char* key, const auto& read_it) {
            if (!at(key, read_it)) reader_.refuse(fmt::format("'{}' is missing", key));
        }
        void optional(const char* key, const auto& read_it) { at(key, read_it); }
        [[nodiscard]] bool has(const char* key) const { return json_.is_object() && json_.contains(key); }
        void end() const {
            if (reader_.refusal || !json_.is_object()) return;
            for (const auto& item : json_.items()) {
                if (!known_.contains(item.key()))
                    return reader_.refuse(fmt::format("unknown key '{}'; there are: {}",
                                                      printable(item.key().substr(0, 60)),
                                                      fmt::join(known_, ", ")));
            }
        }

      private:
        bool at(const char* key, const auto& read_it) {
            known_.insert(key);
            if (reader_.refusal || !has(key)) return reader_.refusal.has_value();
            reader_.inside(key, [&] { read_it(json_[key]); });
            return true;
        }
        PlanReader& reader_;
        const Json& json_;
        std::set<std::string, std::less<>> known_;
    };

    void version(Object& whole) {
        if (!refusal && !whole.has("schema_version"))
            return refuse("there is no 'schema_version': this is no plan of a campaign");
        whole.required("schema_version", [&](const Json& value) {
            if (value != Plan::schema_version)
                refuse(fmt::format("version {} of the plan, but this Escapement reads version {}",
                                   value.dump().substr(0, 20), Plan::schema_version));
        });
    }

    void read(const Json& json, Guest& guest) {
        Object object(*this, json);
        object.required("name", [&](const Json& value) { words(value, guest.name, longest_name, false); });
        object.required("command", [&](const Json& value) {
            items(value, guest.command, 1, 10'000, [&](const Json& item, std::string& argument) {
                words(item, argument, longest_argument, true);
            });
        });
        object.optional("consoles", [&](const Json& value) {
            items(value, guest.consoles, 0, 100, [&](const Json& item, std::string& console) {
                words(item, console, longest_argument, false);
            });
        });
        object.optional("journal", [&](const Json& value) { flag(value, guest.journal); });
        object.optional("replay", [&](const Json& value) { flag(value, guest.replay); });
        object.end();
        if (!refusal) sensible(nonsense(guest));
    }

    void read(const Json& json, Limits& limits) {
        Object object(*this, json);
        object.optional("jobs", [&](const Json& value) { count(value, limits.jobs, 0, 100'000); });
        object.optional("cpus_per_run",
                        [&](const Json& value) { count(value, limits.cpus_per_run, 1, 100'000); });
        object.optional("memory_mib",
                        [&](const Json& value) { count(value, limits.memory_mib, 0, 1U << 30U); });
        object.optional("timeout_seconds",
                        [&](const Json& value) { count(value, limits.timeout_seconds, 0, 10'000'000); });
        object.end();
    }

    void read(const Json& json, SlurmWishes& slurm) {
        Object object(*this, json);
        object.optional("options", [&](const Json& value) {
            items(value, slurm.options, 0, 100, [&](const Json& item, std::string& option) {
                words(item, option, longest_argument, false);
                if (option.rfind('-', 0) != 0)
                    refuse("expected an option of sbatch, such as \"--partition=long\"");
            });
        });
        object.optional("most_tasks",
                        [&](const Json& value) { count(value, slurm.most_tasks, 1, 4'000'000); });
        object.end();
    }

    void settings(const Json& json, std::vector<Setting>& settings) {
        if (!json.is_object()) return refuse("expected an object, found " + kind_of(json));
        for (const auto& item : json.items()) {
            inside(printable(item.key().substr(0, 60)), [&] {
                Setting setting{.name = item.key(), .values = {}};
                items(item.value(), setting.values, 1, 10'000,
                      [&](const Json& each, std::string& text) { value(each, text); });
                if (!refusal) sensible(nonsense(setting));
                settings.push_back(std::move(setting));
            });
        }
    }

    /// Numbers may be written as such.
    void value(const Json& json, std::string& text) {
        if (json.is_number_integer()) {
            text = json.dump();
        } else if (json.is_string()) {
            words(json, text, 1000, false);
        } else {
            refuse("expected a string or a whole number, found " + kind_of(json));
        }
    }

    void engine(const Json& json, Engine& engine) {
        if (json != "local" && json != "slurm")
            return refuse("expected one of local, slurm, found " +
                          (json.is_string() ? printable(json.dump().substr(0, 60)) : kind_of(json)));
        engine = json == "slurm" ? Engine::slurm : Engine::local;
    }

    void flag(const Json& json, bool& value) {
        if (!json.is_boolean()) return refuse("expected true or false, found " + kind_of(json));
        value = json.get<bool>();
    }

    void count(const Json& json, std::uint64_t& value, std::uint64_t least, std::uint64_t most) {
        if (!json.is_number_integer()) return refuse("expected a whole number, found " + kind_of(json));
        if (!json.is_number_unsigned()) return refuse(fmt::format("{} is negative", json.dump()));
        value = json.get<std::uint64_t>();
        if (value > most) refuse(fmt::format("{} is too large: at most {}", value, most));
        if (value < least) refuse(fmt::format("{} is too small: at least {}", value, least));
    }

    void words(const Json& json, std::string& value, std::size_t longest, bool any_character) {
        if (!json.is_string()) return refuse("expected a string, found " + kind_of(json));
        value = json.get<std::string>();
        if (value.size() > longest)
            return refuse(
                fmt::format("{} characters are more than the {} that can be", value.size(), longest));
        if (value.find('\0') != std::string::npos) return refuse("there is a NUL character in it");
        if (any_character) return;
        if (value.empty()) return refuse("it is empty");
        if (printable(value) != value) refuse("there is a control character in it");
    }

    template <typename T>
    void items(const Json& json, std::vector<T>& values, std::size_t least, std::size_t most,
               const auto& read_it) {
        if (!json.is_array()) return refuse("expected an array, found " + kind_of(json));
        if (json.size() < least) return refuse("it is empty");
        if (json.size() > most)
            return refuse(fmt::format("{} items are more than the {} that can be", json.size(), most));
        for (const Json& item : json) {
            inside(values.size(), [&] {
                T value{};
                read_it(item, value);
                values.push_back(std::move(value));
            });
        }
    }

    /// Nonsense says where it is, below the object that it is of: "/replay: …".
    void sensible(const std::string& reason) {
        if (refusal || reason.empty()) return;
        refusal = path_ + (reason.front() == '/' ? "" : ": ") + reason;
    }

    std::string path_;
};

tl::expected<Plan, std::string> read(std::string_view text) {
    const auto json = profile::parse(text, "a plan");
    if (!json) return tl::unexpected(json.error());
    PlanReader reader;
    Plan plan;
    reader.plan(*json, plan);
    if (!reader.refusal) {
        if (auto reason = nonsense(plan); !reason.empty()) reader.refusal = std::move(reason);
    }
    if (reader.refusal) return tl::unexpected(*reader.refusal);
    return plan;
}

}  // namespace

tl::expected<Plan, std::string> read_plan(std::string_view text, const std::string& path) {
    try {
        auto result = read(text);
        if (!result) return tl::unexpected(profile::in_file(path, result.error()));
        return result;
    } catch (const std::exception& error) {  // memory
        return tl::unexpected(profile::in_file(path, error.what()));
    }
}

}  // namespace escapement::campaign
