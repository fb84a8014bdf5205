// SPDX-License-Identifier: Apache-2.0
#include "submitit/file_reader.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>

#include <array>
#include <cerrno>

#include <boost/asio/error.hpp>
#include <boost/asio/read_at.hpp>
#include <boost/system/system_error.hpp>

#include "library/reader_fixture.hpp"

TEST_SUITE_BEGIN("library/file_reader");

namespace submitit {
namespace {

using namespace submitit::testing;

error_code refused_open(reading& with, char const* name) {
    auto reader = with.opened();
    error_code error;
    reader.open(with.path(name), error);
    CHECK_FALSE(reader.is_open());  // also what was open before
    CHECK(reader.native_handle() == -1);
    return error;
}

bool is_errno(std::optional<error_code> const& error, int value) {
    return error && error->value() == value && error->category() == boost::system::system_category();
}

}  // namespace

TEST_CASE("64 reads at once on one reader each get the bytes of their own place") {
    on_backends([](backend_kind kind) {
        reading with{kind};
        auto reader = with.opened();
        for (std::size_t const bytes : {std::size_t{1}, std::size_t{4096}, std::size_t{65536}, large}) {
            CAPTURE(bytes);
            auto reads = random_reads(64, bytes, with.content.size());
            for (auto& one : reads) one.start(reader);
            with.run();
            for (auto const& one : reads) CHECK(one.right(with));
        }
    });
}

TEST_CASE("what the page cache does not have, or only in part, is read all the same") {
    on_backends([](backend_kind kind) {
        reading with{kind};
        auto reader = with.opened();
        ::posix_fadvise(reader.native_handle(), 0, 0, POSIX_FADV_RANDOM);  // no readahead
        with.place.chill("file");
        one_read page{8192, 4096};
        page.start(reader);
        with.run();
        CHECK(page.right(with));
        for (int again = 0; again < 4; ++again) {  // at the latest now the cache is asked again
            one_read more{8192, 65536};
            more.start(reader);
            with.run();
            CHECK(more.right(with));
            with.place.chill("file");
        }
    });
}

TEST_CASE("a read across the end is short, one at or behind it is eof, and neither needs room to complete") {
    on_backends([](backend_kind kind) {
        reading with{kind, large + 100};
        auto reader = with.opened();
        CHECK(reader.size() == large + 100);
        one_read large_last{50, large * 2};
        one_read small_last{large, 4096};
        one_read at_end{large + 100, 1};
        one_read behind{std::uint64_t{1} << 40U, large};
        one_read nothing{0, 0};
        one_read nothing_behind{large * 8, 0};
        for (auto* one : {&large_last, &small_last, &at_end, &behind, &nothing, &nothing_behind}) one->start(reader);
        with.run();
        CHECK(large_last.result.succeeded(large + 50));
        CHECK(with.holds(std::span{large_last.data}.first(large + 50), 50));
        CHECK(small_last.result.succeeded(100));
        CHECK(at_end.result.error == asio::error::eof);
        CHECK(behind.result.error == asio::error::eof);
        CHECK(nothing.result.succeeded(0));
        CHECK(nothing_behind.result.succeeded(0));
    });
}

TEST_CASE("an offset that no file has is EINVAL") {
    reading with{backend_kind::automatic, 100};
    auto reader = with.opened();
    one_read current_position{~std::uint64_t{0}, 10};  // what a ring would take for "where the last read ended"
    one_read negative{std::uint64_t{1} << 63U, 10};
    current_position.start(reader);
    negative.start(reader);
    with.run();
    CHECK(is_errno(current_position.result.error, EINVAL));
    CHECK(is_errno(negative.result.error, EINVAL));
}

TEST_CASE("a file that has grown since it was opened is read to its new end") {
    on_backends([](backend_kind kind) {
        reading with{kind, 100};
        auto reader = with.opened();
        auto const longer = io::testing::pattern(300, 7);
        with.content = longer;
        unique_fd const writer{::open(with.path("file").c_str(), O_WRONLY)};
        REQUIRE(::pwrite(writer.get(), longer.data(), longer.size(), 0) == 300);
        one_read grown{90, 200};
        grown.start(reader);
        with.run();
        CHECK(grown.right(with));
        CHECK(reader.size() == 300);
    });
}

TEST_CASE("the first buffer that is not empty is filled, and async_read_at fills them all") {
    on_backends([](backend_kind kind) {
        reading with{kind};
        auto reader = with.opened();
        std::vector<std::byte> first(10);
        std::vector<std::byte> second(large);
        std::array<asio::mutable_buffer, 3> const buffers{asio::mutable_buffer{}, asio::buffer(first),
                                                          asio::buffer(second)};
        outcome some;
        outcome all;
        reader.async_read_some_at(1000, buffers, some.callback());
        with.run();
        CHECK(some.succeeded(10));
        asio::async_read_at(reader, 1000, buffers, all.callback());
        with.run();
        CHECK(all.succeeded(10 + large));
        CHECK(with.holds(first, 1000));
        CHECK(with.holds(second, 1010));
        asio::async_read_at(reader, with.content.size() - 5, asio::buffer(first), all.callback());
        with.run();
        CHECK(all.error == asio::error::eof);
        CHECK(all.bytes == 5);
    });
}

TEST_CASE("direct reads bring the same bytes, and a misaligned one is EINVAL") {
    on_backends([](backend_kind kind) {
        reading with{kind};
        file_reader reader{*with.context, *with.engine};
        error_code error;
        reader.open(with.path("file"), file_reader::flags::direct, error);
        if (error) {
            MESSAGE("not tested here: O_DIRECT refused: " << error.message());
            return;
        }
        constexpr std::size_t block = 4096;
        auto const deleter = [](std::byte* at) { std::free(at); };
        std::unique_ptr<std::byte, decltype(deleter)> const memory{
            static_cast<std::byte*>(std::aligned_alloc(block, 64 * block))};
        std::array<outcome, 64> results;
        for (std::size_t i = 0; i < results.size(); ++i) {
            reader.async_read_some_at((results.size() - 1 - i) * 3 * block,
                                      asio::buffer(memory.get() + i * block, block), results[i].callback());
        }
        with.run();
        for (std::size_t i = 0; i < results.size(); ++i) {
            CHECK(results[i].succeeded(block));
            CHECK(with.holds({memory.get() + i * block, block}, (results.size() - 1 - i) * 3 * block));
        }
        outcome misaligned;
        reader.async_read_some_at(1, asio::buffer(memory.get(), block), misaligned.callback());
        with.run();
        CHECK(is_errno(misaligned.error, EINVAL));
    });
}

TEST_CASE("what cannot be read at a position is refused by open, with the reason") {
    reading with{backend_kind::automatic, 100};
    with.place.directory("directory");
    with.place.fifo("fifo");
    CHECK(is_errno(refused_open(with, "absent"), ENOENT));
    CHECK(is_errno(refused_open(with, "directory"), EISDIR));
    CHECK(is_errno(refused_open(with, "fifo"), ENXIO));
    file_reader reader{*with.context, *with.engine};
    CHECK_THROWS_AS(reader.open(with.path("absent")), boost::system::system_error);
}

TEST_CASE("a closed reader completes with bad_descriptor") {
    reading with{backend_kind::automatic, 100};
    auto reader = with.opened();
    CHECK(reader.is_open());
    reader.close();
    CHECK_FALSE(reader.is_open());
    one_read one{0, 10};
    one.start(reader);
    CHECK_FALSE(one.result.error);
    with.run();
    CHECK(one.result.error == asio::error::bad_descriptor);
    error_code error;
    CHECK(reader.size(error) == 0);
    CHECK(is_errno(error, EBADF));
}

}  // namespace submitit

TEST_SUITE_END();
