#pragma once
// What `escapement --version` says: version, revision, what it was built with and for, and on what it runs
// now. The first line is "escapement VERSION" and nothing else; nothing in it depends on when or where it was
// built.

#include <string>

namespace escapement::command {

std::string version();

}  // namespace escapement::command
