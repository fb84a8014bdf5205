// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "io/backend.hpp"
#include "pipeline/worker_pool.hpp"

namespace submitit::pipeline {

/// What an engine runs on: threads and a device, or a simulation of both.
class runtime {
public:
    runtime() = default;
    runtime(runtime const&) = delete;
    runtime& operator=(runtime const&) = delete;
    virtual ~runtime() = default;

    /// Coroutines that never block run here.
    [[nodiscard]] virtual boost::asio::any_io_executor steering() = 0;
    /// Walks and plans run here, and may block in system calls.
    [[nodiscard]] virtual boost::asio::any_io_executor walking() = 0;
    /// Coroutines of exports that write files or pipes themselves run here, and may block in system calls.
    [[nodiscard]] virtual boost::asio::any_io_executor writing() = 0;
    [[nodiscard]] virtual work_queue& workers() = 0;
    [[nodiscard]] virtual io::backend& backend() = 0;
    /// Whether workers look into the page cache before they ask the backend.
    [[nodiscard]] virtual bool tries_cache() const noexcept = 0;
};

/// The real one. Pools of threads come with their first use. The destructor waits for everything.
class threads_runtime final : public runtime {
public:
    threads_runtime(std::unique_ptr<io::backend> backend, unsigned workers, unsigned blocking_threads);
    ~threads_runtime() override;

    [[nodiscard]] boost::asio::any_io_executor steering() override { return steering_.executor(1); }
    [[nodiscard]] boost::asio::any_io_executor walking() override { return walking_.executor(blocking_threads_); }
    [[nodiscard]] boost::asio::any_io_executor writing() override { return writing_.executor(blocking_threads_); }
    [[nodiscard]] work_queue& workers() override { return *workers_; }
    [[nodiscard]] io::backend& backend() override { return *backend_; }
    [[nodiscard]] bool tries_cache() const noexcept override { return true; }

private:
    /// An io_context and its threads, as boost::asio::thread_pool waits for ever in its constructor when the system refuses it its
    /// second thread. Without I/O objects it holds no descriptor.
    class lazy_pool {
    public:
        ~lazy_pool() { join(); }
        /// Throws std::system_error when there is no thread to be had.
        [[nodiscard]] boost::asio::any_io_executor executor(unsigned threads);
        void join() noexcept;

    private:
        struct group {
            boost::asio::io_context context;
            boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{context.get_executor()};
            std::vector<std::thread> threads;
        };
        static void run(group& all) noexcept;
        static void end(group& all) noexcept;

        std::mutex mutex_;
        std::unique_ptr<group> group_;
    };

    unsigned blocking_threads_;
    std::unique_ptr<io::backend> backend_;
    std::unique_ptr<worker_pool> workers_;
    lazy_pool steering_;
    lazy_pool walking_;
    lazy_pool writing_;
};

}  // namespace submitit::pipeline
