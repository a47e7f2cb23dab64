// The page of section 3, from the comments and declarations of escapement.h. What it relies on of that file:
// it begins with its contract; `/* --- TITLE` begins a group; a comment stands before the declaration that it
// tells of, or, with an empty line behind it, by itself.

#include "mdoc.hpp"
#include "pages.hpp"

#include <fmt/format.h>

#include <sstream>

namespace escapement::pages {

namespace {

struct Group {
    std::string title;
    std::string synopsis;
    std::string text;
    bool in_list = false;
};

class Reader {
  public:
    explicit Reader(const std::string& header) : lines_(header) {}
    HeaderPage read(const std::string& date);

  private:
    bool next() { return static_cast<bool>(std::getline(lines_, line_)); }
    std::string comment();
    std::string contract();
    std::string until(const std::string& end);
    void declaration();
    void code(const std::string& text);
    void leave_list();

    std::istringstream lines_;
    std::string line_;
    std::string told_;  // comment for what comes next
    std::vector<Group> groups_{{"statuses and options", "", "", false}};
    std::vector<std::string> functions_;
};

bool begins(const std::string& line, const char* with) {
    return line.rfind(with, 0) == 0;
}

// A comment's line without what makes it one; its indentation stays.
std::string bare(std::string line) {
    if (const std::size_t end = line.rfind("*/"); end != std::string::npos) line.resize(end);
    while (!line.empty() && line.back() == ' ')
        line.pop_back();
    if (begins(line, "/* ") || begins(line, " * ")) return line.substr(3);
    return begins(line, " *") ? line.substr(2) : line;
}

std::string Reader::comment() {
    std::string text;
    do {
        text += bare(line_) + "\n";
    } while (line_.find("*/") == std::string::npos && next());
    return text;
}

// Paragraphs; those that are indented are an example.
std::string Reader::contract() {
    std::string result;
    std::istringstream text(comment());
    std::string part;
    bool example = false;
    const auto finish = [&] {
        while (part.size() > 1 && part[part.size() - 2] == '\n')
            part.pop_back();
        if (!part.empty()) add_paragraph(result, paragraph(part, example));
        part.clear();
    };
    for (std::string line; std::getline(text, line);) {
        const bool indented = begins(line, "    ");
        if (line.empty() && !example) finish();
        if (!line.empty() && indented != example) {
            finish();
            example = indented;
        }
        part += (example && !line.empty() ? line.substr(4) : line) + "\n";
        if (part == "\n") part.clear();
    }
    finish();
    return result;
}

std::string Reader::until(const std::string& end) {
    std::string text = line_ + "\n";
    while (line_.find(end) == std::string::npos && next())
        text += line_ + "\n";
    return text;
}

void Reader::leave_list() {
    Group& group = groups_.back();
    if (group.in_list) group.text += ".El\n";
    group.in_list = false;
}

void Reader::code(const std::string& text) {
    leave_list();
    Group& group = groups_.back();
    const std::string display = paragraph(text, true);
    const std::string end = ".Ed\n";
    const bool goes_on = told_.empty() && group.text.size() > end.size() &&
                         group.text.compare(group.text.size() - end.size(), end.size(), end) == 0;
    if (!told_.empty()) group.text += filled(told_);
    told_.clear();
    if (goes_on) group.text.resize(group.text.size() - end.size());
    group.text += goes_on ? display.substr(display.find('\n') + 1) : display;
}

void Reader::declaration() {
    const std::string text = until(";");
    Group& group = groups_.back();
    const std::size_t open = text.find('(');
    const std::size_t name_at = text.find_last_of(" *", open) + 1;
    const std::string name = text.substr(name_at, open - name_at);
    std::string result = text.substr(0, name_at);
    while (!result.empty() && result.back() == ' ')
        result.pop_back();
    functions_.push_back(name);
    group.synopsis += fmt::format(".Ft {}\n.Fo {}\n", escaped(result), name);
    int depth = 0;
    std::string argument;
    for (const char letter : text.substr(open + 1, text.rfind(')') - open)) {
        depth += letter == '(' ? 1 : letter == ')' ? -1 : 0;
        if (depth < 0 || (depth == 0 && letter == ',')) {
            group.synopsis += fmt::format(".Fa \"{}\"\n", escaped(argument));
            argument.clear();
        } else if (letter != '\n' && !(letter == ' ' && (argument.empty() || argument.back() == ' '))) {
            argument += letter;
        }
    }
    group.synopsis += ".Fc\n";
    if (told_.empty()) return;
    if (!group.in_list) group.text += ".Bl -tag -width Ds\n";
    group.in_list = true;
    group.text += fmt::format(".It Fn {}\n{}", name, filled(told_));
    told_.clear();
}

HeaderPage Reader::read(const std::string& date) {
    std::string introduction;
    while (next()) {
        if (line_.empty()) {
            if (!told_.empty()) {
                leave_list();
                groups_.back().text += filled(told_);
            }
            told_.clear();
        } else if (begins(line_, "/* --- ")) {
            leave_list();
            std::istringstream title(comment());
            std::string first;
            std::getline(title, first);
            first = first.substr(4, first.find(" --", 4) - 4);
            groups_.push_back({first, "", "", false});
        } else if (begins(line_, "/*")) {
            if (introduction.empty()) {
                introduction = contract();
            } else {
                told_ = comment();
            }
        } else if (begins(line_, "#define ") && line_.find(' ', 8) != std::string::npos) {
            code(line_ + "\n");
        } else if (begins(line_, "#ifdef __cplusplus")) {
            until("#endif");
        } else if (line_.find('{') != std::string::npos) {
            code(until("}"));
        } else if (begins(line_, "typedef ")) {
            code(until(";"));
        } else if (!begins(line_, "#")) {
            declaration();
        }
    }
    leave_list();

    HeaderPage result;
    result.functions = functions_;
    std::string& page = result.page;
    page = page_head(date, "escapement", 3) + ".Sh NAME\n.Nm escapement\n";
    page += ".Nd threads of an emulator that run in parallel and come out the same every time\n";
    page +=
        ".Sh LIBRARY\nEscapement (libescapement, \\-lescapement), found by\n.Xr pkg-config 1\nas "
        "escapement\n";
    page += ".Sh SYNOPSIS\n.In escapement.h\n";
    for (const Group& group : groups_)
        if (!group.synopsis.empty()) page += fmt::format(".Ss {}\n{}", escaped(group.title), group.synopsis);
    page += ".Sh DESCRIPTION\n" + introduction;
    for (const Group& group : groups_)
        if (!group.text.empty()) page += fmt::format(".Ss {}\n{}", escaped(group.title), group.text);
    page += ".Sh SEE ALSO\n.Xr escapement 1\n";
    return result;
}

}  // namespace

HeaderPage header_page(const std::string& header, const std::string& date) {
    return Reader(header).read(date);
}

}  // namespace escapement::pages
