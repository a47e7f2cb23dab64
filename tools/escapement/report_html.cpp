#include "report_html.hpp"

#include "verify_report.hpp"

namespace escapement::report {

namespace {

std::string start_tag(const char* name, const Attributes& attributes) {
    std::string tag = std::string("<") + name;
    for (const auto& [key, value] : attributes)
        tag += ' ' + key + "=\"" + verify::xml_escaped(value) + '"';
    return tag + '>';
}

}  // namespace

Html text(std::string_view words) {
    Html html;
    html.markup_ = verify::xml_escaped(std::string(words));
    return html;
}

Html element(const char* name, const Attributes& attributes, const Html& content) {
    Html html;
    html.markup_ = start_tag(name, attributes) + content.markup_ + "</" + name + ">";
    return html;
}

Html lone_element(const char* name, const Attributes& attributes) {
    Html html;
    html.markup_ = start_tag(name, attributes);
    return html;
}

Html style(const char* rules) {
    Html html;
    html.markup_ = std::string("<style>") + rules + "</style>";
    return html;
}

Html table(const std::string& caption, const std::vector<std::vector<Html>>& rows) {
    Html head;
    Html body;
    for (std::size_t row = 0; row < rows.size(); ++row) {
        Html cells;
        for (std::size_t column = 0; column < rows[row].size(); ++column) {
            if (row == 0)
                cells += element("th", {{"scope", "col"}}, rows[row][column]);
            else if (column == 0)
                cells += element("th", {{"scope", "row"}}, rows[row][column]);
            else
                cells += element("td", {}, rows[row][column]);
        }
        (row == 0 ? head : body) += element("tr", {}, cells);
    }
    const Html whole =
        element("caption", {}, caption) + element("thead", {}, head) + element("tbody", {}, body);
    // Whoever has no pointer scrolls by keys, which needs something to be focused.
    return element("div",
                   {{"class", "scroll"}, {"tabindex", "0"}, {"role", "region"}, {"aria-label", caption}},
                   element("table", {}, whole));
}

}  // namespace escapement::report
