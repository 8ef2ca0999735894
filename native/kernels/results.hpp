// Results that are put together before they are written.
#pragma once

#include <cstdint>

#include "kernels/padded.hpp"
#include "simd/vector.hpp"

namespace cnn::CNN_LEVEL {

// n numbers in whole registers, past the caches from where these begin on a line.
template <class T>
void write_line(T* to, const T* from, std::ptrdiff_t n, bool past_caches) {
    constexpr int line = 64 / static_cast<int>(sizeof(T));
    std::ptrdiff_t k = 0;
    if (past_caches) {
        for (; k < n && reinterpret_cast<std::uintptr_t>(to + k) % 64; ++k) to[k] = from[k];
        for (; k + line <= n; k += line)
            for (int l = 0; l < line; l += lanes<T>)
                store_past_caches(to + k + l, load(from + k + l));
    }
    for (; k + lanes<T> <= n; k += lanes<T>) store(to + k, load(from + k));
    if (k < n) store_first(to + k, load_first(from + k, int(n - k)), int(n - k));
}

// Results on their way past the caches, in whole lines: what does not fill one waits for more.
template <class T> class Gathered {
  public:
    // Results go to `out` and on; `buffer` begins a line.
    Gathered(T* buffer, T* out)
        : buffer_(buffer),
          begin_(static_cast<int>(reinterpret_cast<std::uintptr_t>(out) % 64 / sizeof(T))),
          end_(begin_), line_at_(out - begin_) {}
    T* next() const { return buffer_ + end_; }
    // n more stand at next()
    void add(int n) {
        end_ += n;
        int k = 0;
        if (begin_ && end_ >= line) {  // what lies before in this line is not ours
            copy_numbers(line_at_ + begin_, buffer_ + begin_, line - begin_);
            k = line, begin_ = 0;
        }
        if (begin_) return;
        for (; k + line <= end_; k += line)
            for (int v = 0; v < line; v += lanes<T>)
                store_past_caches(line_at_ + k + v, load(buffer_ + k + v));
        if (k == 0) return;
        line_at_ += k, end_ -= k;
        for (int v = 0; v < line; v += lanes<T>) store(buffer_ + v, load(buffer_ + k + v));
    }
    void finish() const {
        if (end_ > begin_) copy_numbers(line_at_ + begin_, buffer_ + begin_, end_ - begin_);
    }

  private:
    static constexpr int line = 64 / static_cast<int>(sizeof(T));
    T* buffer_;
    int begin_, end_;  // of what the buffer holds
    T* line_at_;       // where the buffer goes
};

// Filters up to here are read again for every tile of pixels, whose results are then
// written once and side by side; of more, a panel goes over all pixels before the next.
constexpr std::ptrdiff_t filters_bytes = 256 << 10;

}  // namespace cnn::CNN_LEVEL
