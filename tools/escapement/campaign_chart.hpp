#pragma once
// Charts of a campaign's times.

#include "campaign_summary.hpp"
#include "report_html.hpp"

namespace escapement::campaign {

/// A chart for each guest: a row for each of its cells, from the least to the greatest wall time, with the
/// median.
report::Html time_charts(const Plan& plan, const Summary& summary);

}  // namespace escapement::campaign
