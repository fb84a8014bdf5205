// SPDX-License-Identifier: Apache-2.0
//
// A program that uses Asio's own io_uring support, which gives Asio further classes and services, beside a library
// built without it.
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/random_access_file.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "library/reader_fixture.hpp"
#include "submitit/memory_budget.hpp"

#ifndef BOOST_ASIO_HAS_FILE
#error "this test is about a host with Asio's file classes"
#endif

TEST_SUITE_BEGIN("library/uring_host");

namespace submitit {
namespace {

using namespace submitit::testing;

struct figures {
    unsigned right = 0;
    unsigned host_right = 0;
};

asio::awaitable<void> read_within(memory_budget& budget, file_reader& reader, reading& with, std::size_t bytes,
                                  figures& of) {
    for (unsigned i = 0; i < 20; ++i) {
        auto const lease = co_await budget.async_acquire(bytes, asio::use_awaitable);
        one_read one{i * 997, bytes};
        auto const got = co_await reader.async_read_some_at(one.offset, asio::buffer(one.data), asio::use_awaitable);
        if (got == bytes && with.holds(one.data, one.offset)) ++of.right;
    }
}

asio::awaitable<void> read_by_itself(asio::random_access_file& file, reading& with, figures& of) {
    asio::steady_timer timer{co_await asio::this_coro::executor};
    for (unsigned i = 0; i < 20; ++i) {
        one_read one{i * 997, large};
        auto const got = co_await file.async_read_some_at(one.offset, asio::buffer(one.data), asio::use_awaitable);
        if (got == large && with.holds(one.data, one.offset)) ++of.host_right;
        timer.expires_after(std::chrono::microseconds{10});
        co_await timer.async_wait(asio::use_awaitable);
    }
}

void rethrow(std::exception_ptr const& thrown) {
    if (thrown) std::rethrow_exception(thrown);
}

}  // namespace

TEST_CASE("a host with Asio's io_uring files uses readers and budgets beside them") {
    on_backends([](backend_kind kind) {
        reading with{kind};
        auto reader = with.opened();
        memory_budget budget{*with.context, 3 * large};
        figures of;
        std::optional<asio::random_access_file> file;
        try {
            file.emplace(*with.context, with.path("file"), asio::file_base::read_only);
            asio::co_spawn(*with.context, read_by_itself(*file, with, of), &rethrow);
        } catch (boost::system::system_error const& refused) {
            MESSAGE("Asio's own files refused: " << refused.what());
            of.host_right = 20;
        }
        for (std::size_t i = 0; i < 16; ++i) {
            auto const bytes = i % 2 == 0 ? large : std::size_t{4096};
            asio::co_spawn(*with.context, read_within(budget, reader, with, bytes, of), &rethrow);
        }
        with.run();
        CHECK(of.right == 16 * 20);
        CHECK(of.host_right == 20);
        CHECK(budget.used_bytes() == 0);
    });
}

}  // namespace submitit

TEST_SUITE_END();
