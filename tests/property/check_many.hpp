#pragma once
// rc::check with a number of cases of one's own.

#include <rapidcheck.h>

#include <iostream>
#include <string>
#include <utility>

namespace escapement::simulation {

template <typename Testable>
bool check_many(const std::string& description, int cases, Testable&& testable) {
    rc::detail::TestParams params = rc::detail::configuration().testParams;
    params.maxSuccess = cases;
    const rc::detail::TestMetadata metadata{.id = description, .description = description};
    const rc::detail::TestResult result =
        rc::detail::checkTestable(std::forward<Testable>(testable), metadata, params);
    std::cerr << "- " << description << "\n";
    rc::detail::printResultMessage(result, std::cerr);
    std::cerr << "\n";
    return result.template is<rc::detail::SuccessResult>();
}

}  // namespace escapement::simulation
