// SPDX-License-Identifier: Apache-2.0
// Serves the directories below a root as archives that are made while they are sent:
//     download_server --listen 127.0.0.1:8080 --memory 256M /srv/files
//     curl -O http://127.0.0.1:8080/some/directory.zip            (or .tar, .tar.gz, .tar.zst)
// All clients share one budget. Who finds no room in it is told so (503) instead of made to wait.
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/signal_set.hpp>

#include "download/listener.hpp"
#include "download/service.hpp"
#include "download/settings.hpp"

namespace asio = boost::asio;

namespace {

struct command_line {
    download::settings serving;
    std::string listen = "127.0.0.1:8080";
    std::uint64_t memory = 256U << 20U;
    unsigned threads = std::max(std::thread::hardware_concurrency(), 1U);
};

/// Returns the exit status when there is nothing to serve.
int parse(int argc, char** argv, command_line& into) {
    auto& serving = into.serving;
    auto const bytes = CLI::AsSizeValue{false};
    std::uint64_t rate = 20U << 10U;
    double patience = 10;
    double header = 10;
    double idle = 30;
    CLI::App app{"Serves GET /<dir>.zip, .tar, .tar.gz and .tar.zst of the directories below ROOT."};
    app.add_option("root", serving.root, "directory whose directories are served")->required()->type_name("ROOT");
    app.add_option("--listen", into.listen, "address:port; port 0 takes any, which is printed")->capture_default_str();
    app.add_option("--memory", into.memory, "bytes all exports share")->transform(bytes)->default_str("256M");
    app.add_option("--threads", into.threads, "threads that compress, and as many that send")
        ->check(CLI::Range(1, 1024));
    app.add_option("--connections", serving.connections_max, "at once; more get 503")->capture_default_str();
    app.add_option("--level", serving.level, "of compression, 0 to 9 (0: the format's default)")
        ->check(CLI::Range(0, 9))
        ->capture_default_str();
    app.add_flag("--store", serving.store, "zips are stored: with length, ETag and ranges");
    app.add_option("--minimum-rate", rate, "bytes a second a client must take")->transform(bytes)->default_str("20K");
    app.add_option("--patience", patience, "seconds a client may take nothing")->capture_default_str();
    app.add_option("--header-timeout", header, "seconds for a request header")->capture_default_str();
    app.add_option("--idle-timeout", idle, "seconds between requests")->capture_default_str();
    try {
        app.parse(argc, argv);
    } catch (CLI::ParseError const& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    auto const milliseconds = [](double seconds) {
        return std::chrono::milliseconds{static_cast<std::int64_t>(seconds * 1000)};
    };
    serving.rate_min = static_cast<double>(std::max<std::uint64_t>(rate, 1));
    serving.patience = milliseconds(patience);
    serving.header_deadline = milliseconds(header);
    serving.idle_deadline = milliseconds(idle);
    return -1;
}

/// One descriptor a connection and a few for each export: more than the usual soft limit.
void raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    static_cast<void>(::setrlimit(RLIMIT_NOFILE, &limit));
}

std::string canonical(std::string const& path) {
    std::unique_ptr<char, decltype(&std::free)> const real{::realpath(path.c_str(), nullptr), &std::free};
    if (!real) throw boost::system::system_error{errno, boost::system::system_category(), path};
    return real.get();
}

asio::ip::tcp::endpoint endpoint_of(std::string const& text) {
    auto const colon = text.rfind(':');
    if (colon == std::string::npos) throw std::runtime_error{"--listen: address:port is needed"};
    auto host = text.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    auto const port = std::stoul(text.substr(colon + 1));
    if (port > 65535) throw std::runtime_error{"--listen: no such port"};
    return {asio::ip::make_address(host), static_cast<std::uint16_t>(port)};
}

void print_usage(submitit::engine const& engine, download::listener const& server) {
    auto const now = engine.usage();
    std::cout << "connections=" << server.connections() << " used=" << now.used_bytes
              << " committed=" << now.committed_bytes << " high_water=" << now.high_water_bytes
              << " limit=" << now.limit_bytes << " descriptors=" << now.used_descriptors << std::endl;
}

/// SIGINT and SIGTERM end the server (a second one kills it); SIGUSR1 prints what is in use.
void await_signal(asio::signal_set& signals, submitit::engine& engine, download::listener& server) {
    signals.async_wait([&](boost::system::error_code error, int number) {
        if (error) return;
        if (number != SIGUSR1) {
            signals.clear();
            return server.stop();
        }
        print_usage(engine, server);
        await_signal(signals, engine, server);
    });
}

void serve(command_line& wanted) {
    wanted.serving.root = canonical(wanted.serving.root);
    auto const options = submitit::engine_options{}.memory(wanted.memory).workers(wanted.threads);
    download::service shared{std::move(wanted.serving), options};
    asio::io_context context{static_cast<int>(wanted.threads)};
    auto const server = std::make_shared<download::listener>(context, endpoint_of(wanted.listen), shared);
    asio::signal_set signals{context, SIGINT, SIGTERM, SIGUSR1};
    await_signal(signals, shared.engine, *server);
    server->start();
    std::cout << "listening on " << server->local_endpoint() << std::endl;
    std::vector<std::jthread> others;
    for (unsigned more = 1; more < wanted.threads; ++more) others.emplace_back([&context] { context.run(); });
    context.run();
}

}  // namespace

int main(int argc, char** argv) try {
    command_line wanted;
    if (auto const status = parse(argc, argv, wanted); status >= 0) return status;
    raise_descriptor_limit();
    serve(wanted);
    return 0;
} catch (std::exception const& error) {
    return std::fprintf(stderr, "download_server: %s\n", error.what()), 1;
}
