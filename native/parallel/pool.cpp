// The thread pool: one job at a time, its items dealt out in ranges.
//
// Workers spin for a moment after a job, since a network's next op comes within
// microseconds, then sleep. Each job has a new ticket; a worker takes part in a job at
// most once. The caller is worker 0 and waits until every worker that entered
// has left, so that nothing of the job is touched after parallel_for returned.
//
// All that spinning workers ask for stands in one word, so that a job begins and ends
// without a lock: entering is one compare-and-swap, and fails where the job has ended.
//
// After fork only the calling thread exists in the child: the child starts over with
// no workers (pthread_atfork).
#include "parallel/pool.hpp"

#include <pthread.h>
#include <sched.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace cnn {
namespace {

constexpr auto spin_time = std::chrono::microseconds(200);

void pause() {
#if defined(__x86_64__)
    _mm_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

thread_local bool inside_a_job = false;

void yield() { sched_yield(); }

// Each worker begins with a range of its own, the same share of every op, so that what it
// wrote in one op is in its caches for the next; who is done helps the others.
struct Job {
    struct alignas(64) Range {
        std::atomic<int> next;
        int end;
    };

    Item item;
    const void* context;
    int workers;
    Range* ranges;
    std::mutex failing = {};
    std::exception_ptr failure = {};  // the first one: of memory that is not there

    void work(int worker) {
        inside_a_job = true;
        try {
            work_through(worker);
        } catch (...) {
            std::lock_guard<std::mutex> lock(failing);
            if (!failure) failure = std::current_exception();
        }
        inside_a_job = false;
    }

    void work_through(int worker) {
        for (int turn = 0; turn < workers; ++turn) {
            const int of = worker + turn < workers ? worker + turn : worker + turn - workers;
            Range& range = ranges[of];
            if (range.next.load(std::memory_order_relaxed) >= range.end) continue;
            for (int k; (k = range.next.fetch_add(1, std::memory_order_relaxed)) < range.end;)
                item(context, k, worker);
        }
    }
};

class Pool {
  public:
    // Tries to run a job on all threads; false where another job is running.
    bool run(Job& job, int threads) {
        std::unique_lock<std::mutex> alone(busy_, std::try_to_lock);
        if (!alone.owns_lock()) return false;
        grow(threads - 1);
        job_ = &job;
        const std::uint64_t ticket = (state_.load(std::memory_order_relaxed) >> ticket_at) + 1;
        state_.store(ticket << ticket_at | open | std::uint64_t(threads - 1) << invited_at);
        if (sleeping_.load() > 0) {
            keep_off_this_cpu(threads - 1);
            { std::lock_guard<std::mutex> lock(mutex_); }  // who counted himself asleep is so
            wake_.notify_all();
        }
        job.work(0);
        // no worker may enter from here on
        std::uint64_t left = state_.fetch_and(~open, std::memory_order_acq_rel);
        // a worker may have been left on this very CPU: after a moment, let it run
        for (int spins = 0; (left & inside) != 0; ++spins) {
            spins < 4096 ? pause() : yield();
            left = state_.load(std::memory_order_acquire);
        }
        if (job.failure) std::rethrow_exception(job.failure);
        return true;
    }

  private:
    // state_: the number of workers inside, who may enter, whether one may, the job's ticket.
    static constexpr int invited_at = 12, ticket_at = 32;
    static constexpr std::uint64_t inside = (1u << 12) - 1, open = 1u << 31;
    static_assert(most_threads <= int(inside), "the number of workers has its bits");

    static unsigned ticket_of(std::uint64_t state) {
        return static_cast<unsigned>(state >> ticket_at);
    }

    // Where the system has no more threads, those that are there do the work.
    void grow(int workers) {
        try {
            while (started_ < workers) {
                const int id = started_ + 1;
                std::thread([this, id] { live(id); }).detach();
                started_ = id;
            }
        } catch (const std::system_error&) {
        }
    }

    // A system may wake a worker onto the CPU of the thread that woke it, which is about to
    // compute: both then share it for milliseconds while another CPU idles. A worker may
    // run on every CPU that the caller may, but not on the one where the caller is now.
    void keep_off_this_cpu(int workers) {
#if defined(__linux__)
        const int here = sched_getcpu();
        cpu_set_t cpus;
        if (here < 0 || sched_getaffinity(0, sizeof cpus, &cpus) != 0) return;
        if (CPU_COUNT(&cpus) < 2 || !CPU_ISSET(here, &cpus)) return;
        CPU_CLR(here, &cpus);
        std::lock_guard<std::mutex> lock(mutex_);
        for (int id = 1; id <= workers && id < most_threads; ++id) {
            if (!known_[id] || CPU_EQUAL(&cpus, &cpus_[id])) continue;
            if (pthread_setaffinity_np(handles_[id], sizeof cpus, &cpus) == 0) cpus_[id] = cpus;
        }
#else
        (void)workers;
#endif
    }

    void live(int id) {
        unsigned seen = 0;
#if defined(__linux__)
        {
            std::lock_guard<std::mutex> lock(mutex_);
            handles_[id] = pthread_self();
            known_[id] = true;
        }
#endif
        for (;;) {
            wait_for_news(seen);
            std::uint64_t state = state_.load(std::memory_order_acquire);
            bool entered = false;
            while ((state & open) && id <= int(state >> invited_at & inside) && !entered)
                entered = state_.compare_exchange_weak(state, state + 1, std::memory_order_acq_rel,
                                                       std::memory_order_acquire);
            seen = ticket_of(state);
            if (entered) {
                job_->work(id);
                state_.fetch_sub(1, std::memory_order_release);
            }
        }
    }

    void wait_for_news(unsigned seen) {
        const auto until = std::chrono::steady_clock::now() + spin_time;
        do {
            for (int i = 0; i < 64; ++i) {
                if (ticket_of(state_.load(std::memory_order_acquire)) != seen) return;
                pause();
            }
        } while (std::chrono::steady_clock::now() < until);
        std::unique_lock<std::mutex> lock(mutex_);
        sleeping_.fetch_add(1);
        wake_.wait(lock, [&] { return ticket_of(state_.load()) != seen; });
        sleeping_.fetch_sub(1);
    }

    std::mutex busy_, mutex_;
    std::condition_variable wake_;
    Job* job_ = nullptr;
    int started_ = 0;
#if defined(__linux__)
    pthread_t handles_[most_threads + 1] = {};
    bool known_[most_threads + 1] = {};
    cpu_set_t cpus_[most_threads + 1] = {};  // where each worker may run; empty: everywhere
#endif
    alignas(64) std::atomic<std::uint64_t> state_{0};
    alignas(64) std::atomic<int> sleeping_{0};
};

std::atomic<Pool*> the_pool{nullptr};
std::atomic<int> wanted{1};

Pool* pool() {
    Pool* found = the_pool.load(std::memory_order_acquire);
    if (found) return found;
    static const int once = pthread_atfork(nullptr, nullptr, [] { the_pool.store(nullptr); });
    (void)once;
    // never deleted: its workers may outlive every static object
    Pool* made = new Pool;
    if (the_pool.compare_exchange_strong(found, made)) return made;
    delete made;
    return found;
}

}  // namespace

int n_threads() { return inside_a_job ? 1 : wanted.load(std::memory_order_relaxed); }

void set_n_threads(int n) { wanted.store(n, std::memory_order_relaxed); }

void parallel_for(int count, Item item, const void* context, int threads) {
    if (threads > count) threads = count;
    if (threads > most_threads) threads = most_threads;
    if (threads > 1 && !inside_a_job) {
        Job::Range ranges[most_threads];
        for (int w = 0; w < threads; ++w) {
            ranges[w].next.store(static_cast<int>(long(count) * w / threads));
            ranges[w].end = static_cast<int>(long(count) * (w + 1) / threads);
        }
        Job job{item, context, threads, ranges};
        if (pool()->run(job, threads)) return;
    }
    for (int k = 0; k < count; ++k) item(context, k, 0);
}

}  // namespace cnn
