// parallel_for: who runs which piece of work.
//
// An op is cut into items that do not depend on how many threads there are; each item
// writes what no other item writes. So the result has the same bits for any number of
// threads, and it does not matter who takes which item.
#pragma once

namespace cnn {

// For parallel_for; 1 within an item that the pool runs, whose own loops stay in its thread.
int n_threads();

// Runs item(context, k, worker) for k = 0 .. count-1; worker < threads tells whose
// workspace to use. Who has workspaces passes the number that he made, since another
// caller may set another meanwhile. Returns when all items are done, and throws what the
// first of them threw. Safe to call from several threads at once and after fork: who finds
// the pool busy runs all items himself.
using Item = void (*)(const void* context, int k, int worker);
void parallel_for(int count, Item item, const void* context, int threads);

template <class Work> void parallel_for(int count, const Work& work, int threads = n_threads()) {
    parallel_for(
        count, [](const void* context, int k, int worker) {
            (*static_cast<const Work*>(context))(k, worker);
        },
        &work, threads);
}

void set_n_threads(int n);  // 1 <= n <= most_threads
constexpr int most_threads = 256;

}  // namespace cnn
