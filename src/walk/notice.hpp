// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.hpp"
#include "submitit/notice.hpp"

namespace submitit::walk {

using submitit::is_note;
using submitit::notice;
using submitit::notice_kind;
using submitit::notice_kinds;
using submitit::to_string;

}  // namespace submitit::walk
