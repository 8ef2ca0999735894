// A whole network as a list of steps, recorded once for inputs of one shape and run in one
// call.
//
// What lies between the steps are values, known by their numbers: 0 is the network's
// input. All of them but the input and the result share one block of memory, in which a
// value takes the place of another that nobody reads any more. Each run has a block of its
// own, so several threads may run a program at once; and since blocks are used again, the
// next run finds its own in the caches.
//
// Steps call the same passes as the ops one by one, with the same bits.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "engine/conv2d.hpp"
#include "engine/linear.hpp"
#include "engine/loss.hpp"
#include "engine/shape.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/loss.hpp"
#include "kernels/pool.hpp"

namespace cnn {

constexpr int no_value = -1;

// Each step is told the values that it reads; it makes the value whose number it returns.
// The arrays of weights must live as long as the program.
template <class T> class Program {
  public:
    explicit Program(std::ptrdiff_t input_numbers) : numbers_{input_numbers} {}

    // `addend` may be no_value
    int conv2d(const Conv2d&, Algorithm, int x, const T* w, const T* b, Relu<T> relu, int addend,
               PackedFilters<T>& kept);
    int linear(const Linear&, int x, const T* w, const T* b, bool relu, PackedFilters<T>& kept);
    int max_pool2d(const Pool2d&, int x);
    int avg_pool2d(const Pool2d&, int x);
    int channel_means(int N, std::ptrdiff_t pixels, int C, int x);
    int scale_shift(std::ptrdiff_t rows, int C, int x, const T* scale, const T* shift);
    int add(int x, int y, bool relu);
    int relu(int x);
    int curve(Curve, T parameter, int x);
    int softmax(const Classes&, bool logs, int x);
    // matrices of `rows` rows, one beside the other; xs[k] has columns[k]
    int concat(std::ptrdiff_t rows, const std::vector<int>& xs,
               const std::vector<std::ptrdiff_t>& columns);
    int transpose(std::ptrdiff_t N, std::ptrdiff_t rows, std::ptrdiff_t columns, int x);
    int pad2d(const Images&, const Padding&, T value, int x);
    int upsample(const Images&, int scale_h, int scale_w, int x);

    // Says which value is the result, and deals out the memory. The program is whole then.
    void finish(int result);
    std::ptrdiff_t input_numbers() const { return numbers_[0]; }
    std::ptrdiff_t result_numbers() const { return numbers_[result_]; }

    void run(const T* x, T* out) const;  // throws std::bad_alloc

  private:
    // Where the values lie in a run.
    using At = T* const*;

    struct Step {
        std::vector<int> reads;
        int first, last;  // values that it makes: its result, and what it needs on the way
        std::function<void(At)> work;
    };

    int value(std::ptrdiff_t numbers);
    int step(std::vector<int> reads, int made, std::function<void(At)> work);
    std::ptrdiff_t entries(int x) const { return numbers_[x]; }

    std::vector<std::ptrdiff_t> numbers_;  // of each value
    std::vector<std::ptrdiff_t> places_;   // of each value in the block
    std::vector<Step> steps_;
    std::ptrdiff_t block_ = 0;
    int result_ = 0;
};

}  // namespace cnn
