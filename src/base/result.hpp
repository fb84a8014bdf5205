// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cerrno>

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>

/// The error channel of the whole project: values, never exceptions of ours.
namespace submitit {

using error_code = boost::system::error_code;

template <class T = void>
using result = boost::system::result<T, error_code>;

/// `errno` as it stands, as an error_code. Call it before anything else can overwrite errno.
[[nodiscard]] inline error_code last_errno() noexcept { return {errno, boost::system::system_category()}; }

[[nodiscard]] inline error_code from_errno(int value) noexcept { return {value, boost::system::system_category()}; }

/// Converts to any result<T>, also result<bool>, which an error_code alone cannot (it is itself testable).
struct failure {
    error_code error;

    template <class T>
    operator boost::system::result<T, error_code>() const {  // NOLINT(google-explicit-constructor): that is its purpose
        return {boost::system::in_place_error, error};
    }
};

}  // namespace submitit
