// SPDX-License-Identifier: Apache-2.0
// Alone, so that a static host that brings Boost.JSON itself gets only one of the two.
#include <boost/json/src.hpp>
