// The most multiply-adds that the cores do: from registers only, a*b + a, chain beside chain.
//
// 12 independent chains of a full vector hide the latency (4 cycles, 2 a cycle) and fit the
// 16 registers of AVX2. Built by peak.py for the machine that it runs on.

#include <atomic>
#include <thread>
#include <vector>

#if defined(__linux__)
#include <sched.h>
#endif

#if defined(__AVX512F__)
constexpr int width = 64;
#elif defined(__AVX__)
constexpr int width = 32;
#else
constexpr int width = 16;
#endif
constexpr int chains = 12;
constexpr int lanes = width / sizeof(float);

typedef float vector __attribute__((vector_size(width)));

static void multiply_add(long iterations, float seed, float *sum) {
    vector acc[chains], b, c;
    for (int k = 0; k < lanes; ++k) {
        b[k] = 0.5f + seed;  // seed is zero, which the compiler cannot know
        c[k] = 0.25f + seed;
    }
    for (int j = 0; j < chains; ++j) acc[j] = c * static_cast<float>(j);
    for (long i = 0; i < iterations; ++i)
#pragma GCC unroll 12
        for (int j = 0; j < chains; ++j) acc[j] = acc[j] * b + c;  // contracted to one FMA
    vector total = acc[0];
    for (int j = 1; j < chains; ++j) total += acc[j];
    *sum = total[0];
}

// A system may start a thread on the CPU of the one that made it, where both then wait for
// each other: the others go to any CPU that this process may use but the caller's.
static void keep_off(int cpu) {
#if defined(__linux__)
    cpu_set_t cpus;
    if (cpu < 0 || sched_getaffinity(0, sizeof cpus, &cpus) != 0) return;
    if (CPU_COUNT(&cpus) < 2 || !CPU_ISSET(cpu, &cpus)) return;
    CPU_CLR(cpu, &cpus);
    sched_setaffinity(0, sizeof cpus, &cpus);
#else
    (void)cpu;
#endif
}

static int this_cpu() {
#if defined(__linux__)
    return sched_getcpu();
#else
    return -1;
#endif
}

extern "C" double fma_flops(int threads, long iterations) {
    return 2.0 * threads * static_cast<double>(iterations) * chains * lanes;
}

extern "C" float run_fma(int threads, long iterations, float seed) {
    std::vector<float> sums(threads);
    std::vector<std::thread> others;
    const int here = this_cpu();
    std::atomic<int> moved{1};
    for (int t = 1; t < threads; ++t)
        others.emplace_back([=, &sums, &moved] {
            keep_off(here);
            ++moved;
            multiply_add(iterations, seed, &sums[t]);
        });
    while (moved < threads) std::this_thread::yield();  // who waits for this CPU gets it
    multiply_add(iterations, seed, &sums[0]);
    for (std::thread &other : others) other.join();
    return sums[0];
}
