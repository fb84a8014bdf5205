// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.hpp"
#include "submitit/error.hpp"
