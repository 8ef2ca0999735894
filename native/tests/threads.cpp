// The thread pool and the memory blocks under several callers at once, for sanitizers:
// jobs from many threads, a changing number of threads, forks in between.
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <thread>
#include <vector>

#include "engine/conv2d.hpp"
#include "engine/conv_block.hpp"
#include "engine/norm.hpp"
#include "engine/norm_images.hpp"
#include "engine/pool.hpp"
#include "memory/blocks.hpp"
#include "parallel/pool.hpp"
#include "tests/drawn.hpp"

using namespace cnn;
using cnn::tests::Hand;

namespace {

constexpr int n_callers = 6;
#if defined(__SANITIZE_THREAD__)
constexpr int threads_of_a_child = 1;  // this sanitizer bears no new threads after a fork
#else
constexpr int threads_of_a_child = 3;
#endif

[[noreturn]] void fail(const char* what) {
    std::fprintf(stderr, "threads: %s\n", what);
    std::_Exit(1);
}

template <class Work> void in_threads(int n, const Work& work) {
    std::vector<std::thread> all;
    for (int k = 0; k < n; ++k) all.emplace_back([&work, k] { work(k); });
    for (std::thread& thread : all) thread.join();
}

// Every item is run once, by a worker that was asked for.
void run_jobs(int seed, int rounds) {
    Hand hand(seed);
    for (int round = 0; round < rounds; ++round) {
        const int count = hand.integer(0, 40), threads = n_threads();
        std::vector<int> runs(count);  // not atomic: no two workers may share an item
        parallel_for(
            count,
            [&](int k, int worker) {
                if (worker < 0 || worker >= threads) fail("a worker beyond the workspaces");
                ++runs[k];
            },
            threads);
        for (int n : runs)
            if (n != 1) fail("an item that was not run once");
    }
}

// What an item throws comes out where the job was given, and the pool goes on.
void run_failing_jobs(int seed, int rounds) {
    Hand hand(seed);
    for (int round = 0; round < rounds; ++round) {
        const int count = hand.integer(1, 40), bad = hand.integer(0, count - 1);
        bool caught = false;
        try {
            parallel_for(count, [&](int k, int) {
                if (k == bad) throw std::runtime_error("an item");
            });
        } catch (const std::runtime_error&) {
            caught = true;
        }
        if (!caught) fail("a failure that nobody heard of");
        run_jobs(seed + round, 1);
    }
}

// What a block holds is its owner's until it is given back.
void use_blocks(int seed, int rounds) {
    Hand hand(seed);
    std::vector<std::pair<unsigned char*, std::size_t>> held;
    for (int round = 0; round < rounds; ++round) {
        if (held.size() < 8 && hand.integer(0, 2)) {
            const std::size_t bytes = std::size_t(1) << hand.integer(4, 22);
            auto* block = static_cast<unsigned char*>(take_block(bytes));
            if (!block) fail("no memory");
            std::memset(block, seed, 64 < bytes ? 64 : bytes);
            block[bytes - 1] = static_cast<unsigned char>(seed);
            held.push_back({block, bytes});
        } else if (!held.empty()) {
            const auto [block, bytes] = held.back();
            held.pop_back();
            if (block[0] != static_cast<unsigned char>(seed) ||
                block[bytes - 1] != static_cast<unsigned char>(seed))
                fail("a block that somebody else wrote to");
            give_block(block);
        }
        if (round % 97 == 0) forget_idle_blocks();
    }
    for (const auto& [block, bytes] : held) give_block(block);
}

// The ops that have workspaces for each worker.
struct Arrays {
    // 68 / 16 images of 13 x 12 are enough pixels for a block to be cut
    static constexpr int N = 68, H = 13, W = 12, C = 6, F = 18, taps = 9;
    static constexpr int n_x = N * H * W * C, n_out = N * H * W * F, n_w = F * C * taps;
    std::vector<float> x, w, dout;
    Arrays() {
        Hand hand(1);
        x = hand.numbers<float>(n_x);
        w = hand.numbers<float>(n_w);
        dout = hand.numbers<float>(n_out);
    }
    // Some images at a time, between norms.
    void run_block(std::vector<float>& all) const {
        const Conv2d g{N, C, H, W, F, 3, 3, 1, 1, 1, 1, 1, 1, 1, H, W};
        const ImageRows of_x{N, H * W, C}, of_out{N, H * W, F};
        const std::vector<float> ones(F, 1.0f), zeros(F, 0.0f);
        std::vector<float> out(n_out), dx(n_x), dw(n_w), db(F);
        std::vector<double> mean(F), var(F), sums(C), products(C);
        Normalized<float> source(
            of_x, {x.data(), ones.data(), zeros.data(), nullptr, true, nullptr});
        Statistics<float> statistics(of_out, out.data(), mean.data(), var.data());
        conv_block_forward<float>(g, Algorithm::automatic, source, w.data(), nullptr, statistics);
        NormInputGradients<float> gradient(
            of_out,
            {{dout.data(), out.data(), zeros.data(), ones.data(), zeros.data(), nullptr},
             ones.data(), zeros.data(), zeros.data(), nullptr, nullptr},
            Mask::affine);
        GradientSums<float> sink(
            of_x, dx.data(), {nullptr, x.data(), zeros.data(), ones.data(), zeros.data(), nullptr},
            Mask::affine, sums.data(), products.data());
        conv_block_backward<float>(g, Algorithm::automatic, source, gradient, w.data(), nullptr,
                                   &sink, dw.data(), db.data());
        for (const auto* part : {&out, &dx, &dw, &db})
            all.insert(all.end(), part->begin(), part->end());
        for (const auto* part : {&mean, &var, &sums, &products})
            all.insert(all.end(), part->begin(), part->end());
    }
    std::vector<float> run() const {
        std::vector<float> all;
        for (int groups : {1, 6}) {
            const Conv2d g{N, C, H, W, F, 3, 3, 1, 1, 1, 1, 1, 1, groups, H, W};
            for (Algorithm way : {Algorithm::direct, Algorithm::winograd}) {
                if (way == Algorithm::winograd && groups > 1) continue;
                std::vector<float> out(n_out), dx(n_x), dw(n_w / groups), db(F);
                conv2d_forward<float>(g, way, x.data(), w.data(), nullptr, true, out.data());
                conv2d_input_gradient<float>(g, way, dout.data(), w.data(), nullptr, nullptr, dx.data());
                conv2d_filter_gradient<float>(g, way, x.data(), dout.data(), dw.data(), db.data());
                for (const auto* part : {&out, &dx, &dw, &db})
                    all.insert(all.end(), part->begin(), part->end());
            }
        }
        run_block(all);
        std::vector<double> mean(F), var(F);
        norm_statistics<float>({1, N * H * W, F}, dout.data(), mean.data(), var.data());
        all.insert(all.end(), mean.begin(), mean.end());
        std::vector<float> means(N * F), row_means(N * H * W), row_inv_std(N * H * W), dgamma(F);
        channel_means<float>(N, H * W, F, dout.data(), means.data());
        all.insert(all.end(), means.begin(), means.end());
        row_norm_backward<float>({F, nullptr, nullptr}, N * H * W, dout.data(), dout.data(),
                                 row_means.data(), row_inv_std.data(), nullptr, dgamma.data(),
                                 nullptr);
        all.insert(all.end(), dgamma.begin(), dgamma.end());
        return all;
    }
};

void in_a_child(const Arrays& arrays, const std::vector<float>& want) {
    const pid_t child = fork();
    if (child < 0) fail("no child");
    if (child == 0) {
        set_n_threads(threads_of_a_child);
        run_jobs(7, 50);
        use_blocks(7, 50);
        std::_Exit(arrays.run() == want ? 0 : 1);
    }
    int status = 0;
    if (waitpid(child, &status, 0) != child || status != 0) fail("a child that went wrong");
}

}  // namespace

int main() {
    const Arrays arrays;
    const std::vector<float> alone = arrays.run();  // on one thread
    std::atomic<bool> done{false};
    set_n_threads(4);

    std::thread changing([&] {
        for (int k = 0; !done; ++k) {
            set_n_threads(1 + k % 7);
            std::this_thread::yield();
        }
    });
    for (int round = 0; round < 100; ++round)  // one caller, who always finds the pool free
        if (arrays.run() != alone) fail("other bits beside another number of threads");
    std::printf("threads: ops while the number of threads changes\n");
    in_threads(n_callers, [&](int k) {
        run_jobs(k, 300);
        run_failing_jobs(k, 50);
        use_blocks(k + 1, 300);
        for (int round = 0; round < 4; ++round)
            if (arrays.run() != alone) fail("other bits beside other callers");
    });
    std::printf("threads: jobs, blocks and ops of %d callers at once\n", n_callers);

    in_threads(3, [&](int k) {
        for (int round = 0; round < 10; ++round) {
            if (k == 0) in_a_child(arrays, alone);
            else if (arrays.run() != alone) fail("other bits beside a fork");
            use_blocks(k + 1, 20);
        }
    });
    done = true;
    changing.join();
    std::printf("threads: forks beside them; all as it should be\n");
    std::fflush(stdout);
    std::_Exit(0);  // the pool's threads never end
}
