// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cerrno>
#include <concepts>
#include <memory>
#include <string>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/system/error_code.hpp>
#include <boost/system/system_category.hpp>
#include <boost/system/system_error.hpp>

#include "submitit/detail/status_listening.hpp"
#include "submitit/detail/status_session.hpp"
#include "submitit/engine.hpp"

namespace submitit {

/// Serves what an engine and all its jobs do over HTTP, on the host's own executor: a page (/), JSON (/status), metrics for Prometheus
/// (/metrics), server-sent events (/events), and /healthz. Read-only: jobs are their host's to cancel.
///
/// Jobs:     those under way, those that wait, and the last 8 that ended.
/// Threads:  one endpoint is used by one thread at a time, any. What it serves runs on a strand of its executor, so a thread_pool
///           does as well as an io_context; it never waits there, and a look at the engine, taken at most every 100 ms, holds up
///           no thread of the engine.
/// Work:     while it listens, io_context::run() does not return.
/// Lifetime: endpoint, engine and execution context end in any order. Once the engine has gone it tells how that was last; once
///           the context has gone it serves no more.
/// Limits:   8 connections are answered at once, 4 of them /events; 5 s for a request, 30 s for a connection.
/// Fails:    after listen() never aloud: a fault ends the endpoint's service, no export, and throws nothing into the host's run().
class status_endpoint {
public:
    /// Where it is served.
    using executor_type = boost::asio::any_io_executor;

    /// Listens to nothing yet. The engine may go first.
    status_endpoint(executor_type executor, engine const& of) : executor_{std::move(executor)}, of_{of.core()} {}

    /// The same with an execution context's executor.
    template <class Context>
        requires std::convertible_to<Context&, boost::asio::execution_context&>
    status_endpoint(Context& context, engine const& of) : status_endpoint{executor_type{context.get_executor()}, of} {}

    status_endpoint(status_endpoint const&) = delete;
    status_endpoint& operator=(status_endpoint const&) = delete;
    /// As stop() does.
    ~status_endpoint() { stop(); }

    /// The one it was made with.
    [[nodiscard]] executor_type get_executor() const noexcept { return executor_; }

    /// What clients from other machines must say ("Authorization: Bearer ..."): 16 to 512 visible ASCII characters. Before listen().
    status_endpoint& token(std::string secret) {
        settings_.token = std::move(secret);
        return *this;
    }
    /// Whether listen() may take an address that other machines reach, which then needs a token, too. Before listen(). Default: no.
    status_endpoint& allow_remote(bool yes = true) noexcept {
        settings_.allow_remote = yes;
        return *this;
    }

    /// Listens at "127.0.0.1:9464", "[::1]:9464", ":0" (loopback, any port that is free) or "unix:/path", a socket file of mode 0600.
    ///
    /// Fails: EINVAL: no such address, or no token; EACCES: others would reach it, without allow_remote() and a token; EALREADY: it
    ///        listens; else what the system says, as EADDRINUSE.
    void listen(std::string const& address, boost::system::error_code& error) {
        error = {};
        if (session_) {
            error.assign(EALREADY, boost::system::system_category());
            return;
        }
        settings_.address = address;
        auto opened = detail::status_listening::open(of_, settings_, error);
        if (!opened) return;
        session_ = detail::status_session::start(executor_, *opened, error);
        if (session_) opened_ = std::move(opened);
    }
    /// The same; throws boost::system::system_error.
    void listen(std::string const& address) {
        boost::system::error_code error;
        listen(address, error);
        if (error) throw boost::system::system_error{error, "status_endpoint: " + address};
    }

    /// Where it listens, as listen() takes it, with the port it has; empty when it does not.
    [[nodiscard]] std::string address() const { return opened_ ? opened_->address() : std::string{}; }

    /// Ends the service; readers of /events are told how things are last. Does not wait: a port is free again once the executor has
    /// run what this posts, or its context has gone. It may listen again.
    void stop() noexcept {
        if (session_) session_->end();
        session_.reset();
        opened_.reset();
    }

private:
    executor_type executor_;
    std::shared_ptr<detail::engine_core> of_;
    detail::status_settings settings_;
    std::unique_ptr<detail::status_listening> opened_;
    std::shared_ptr<detail::status_session> session_;
};

}  // namespace submitit
