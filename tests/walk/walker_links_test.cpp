// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <sched.h>
#include <sys/mount.h>

#include <string>
#include <thread>
#include <vector>

#include "walk/scratch_tree.hpp"
#include "walk/walked.hpp"
#include "walk/walker.hpp"

TEST_SUITE_BEGIN("walk/walker");

namespace submitit::walk {
namespace {

using strings = std::vector<std::string>;

walk_options dereferencing() {
    walk_options options;
    options.dereference = true;
    return options;
}

}  // namespace

TEST_CASE("--dereference stores what a link inside the source leads to, under the link's name and place in the order") {
    scratch_tree tree;
    tree.file("data/file", "content");
    tree.link("to_file", "data/file");
    tree.link("to_dir", "data");
    tree.file("to_dir.txt");
    tree.file("to_dir-");
    auto const all = walk_all({contents_of(tree.path(""))}, dereferencing());
    CHECK(all.names() == strings{"data/", "data/file", "to_dir-", "to_dir.txt", "to_dir/", "to_dir/file", "to_file"});
    CHECK(all.notices.empty());
    CHECK(all.at("to_file").kind == entry_kind::file);
    CHECK(all.at("to_file").stat.size == 7);
    CHECK(all.at("to_file").follow_links);
    CHECK(all.at("to_dir/").kind == entry_kind::directory);
    CHECK(all.at("to_dir/file").follow_links);
    CHECK(all.at("to_dir/file").stat.same_inode(all.at("data/file").stat));
    CHECK_FALSE(all.at("data/file").follow_links);
}

TEST_CASE("--dereference refuses links out of the source, absolute ones and chains through the outside included") {
    scratch_tree tree;
    tree.file("outside/secret");
    tree.file("in/file");
    tree.link("in/absolute", tree.path("in/file"));  // its text starts at the root of the file system
    tree.link("in/dir", "../outside");
    tree.link("in/there_and_back", "../outside/../in/file");
    tree.link("in/up", "../outside/secret");
    auto const all = walk_all({contents_of(tree.path("in"))}, dereferencing());
    CHECK(all.names() == strings{"file"});
    CHECK(all.told() == strings{"refused absolute", "refused dir", "refused there_and_back", "refused up"});
}

TEST_CASE("--dereference tells links that lead nowhere") {
    scratch_tree tree;
    tree.link("dangling", "gone");
    tree.link("self", "self");
    tree.file("z");
    auto const all = walk_all({contents_of(tree.path(""))}, dereferencing());
    CHECK(all.names() == strings{"z"});
    CHECK(all.told() == strings{"vanished dangling", "unreadable self"});
}

TEST_CASE("--dereference ends, whatever circle links make") {
    scratch_tree tree;
    tree.file("a/file");
    tree.file("b/file");
    tree.link("a/up", "..");
    tree.link("a/here", ".");
    tree.link("a/to_b", "../b");
    tree.link("b/to_a", "../a");
    auto const all = walk_all({source_of(tree.path(""))}, dereferencing());
    auto const base = all.entries.at(0).name;
    CHECK(all.names() == strings{base, base + "a/", base + "a/file", base + "a/to_b/", base + "a/to_b/file",
                                 base + "b/", base + "b/file", base + "b/to_a/", base + "b/to_a/file"});
    CHECK(all.told() == strings{"refused " + base + "a/here", "refused " + base + "a/to_b/to_a",
                                "refused " + base + "a/up", "refused " + base + "b/to_a/here",
                                "refused " + base + "b/to_a/to_b", "refused " + base + "b/to_a/up"});
}

TEST_CASE("without --dereference links are stored as links, wherever they lead") {
    scratch_tree tree;
    tree.link("loop", "loop");
    tree.link("out", "/etc");
    tree.link("up", "..");
    auto const all = walk_all({contents_of(tree.path(""))});
    CHECK(all.names() == strings{"loop", "out", "up"});
    CHECK(all.notices.empty());
    CHECK(all.at("out").link_target == "/etc");
}

TEST_CASE("mounts are crossed, kernel file systems are not, and --one-file-system stays") {
    scratch_tree tree;
    tree.directory("mounted");
    tree.directory("proc");
    tree.file("z");
    auto const from = contents_of(tree.path(""));
    bool mounted = false;
    walked crossing;
    walked staying;
    std::thread{[&] {  // a mount namespace of its own, gone with the thread
        mounted = ::unshare(CLONE_NEWNS) == 0 && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                  ::mount("none", tree.path("mounted").c_str(), "tmpfs", 0, nullptr) == 0 &&
                  ::mount("none", tree.path("proc").c_str(), "proc", 0, nullptr) == 0;
        if (!mounted) return;
        std::ofstream{tree.path("mounted/file")} << "x";
        crossing = walk_all({from});
        walk_options options;
        options.one_file_system = true;
        staying = walk_all({from}, options);
    }}
        .join();
    if (!mounted) {
        MESSAGE("skipped: nothing can be mounted here");
        return;
    }
    CHECK(crossing.names() == strings{"mounted/", "mounted/file", "proc/", "z"});
    CHECK(crossing.told() == strings{"skipped_mount proc/"});
    CHECK(staying.names() == strings{"mounted/", "proc/", "z"});
    CHECK(staying.told() == strings{"skipped_mount mounted/", "skipped_mount proc/"});
}

}  // namespace submitit::walk

TEST_SUITE_END();
