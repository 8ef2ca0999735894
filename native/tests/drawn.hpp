// Numbers that look random and are the same on every machine: one draw a statement, since
// compilers choose in which order arguments are evaluated.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <vector>

namespace cnn::tests {

class Hand {
  public:
    explicit Hand(std::uint64_t seed) : state_(seed) {}

    // G. Steele, D. Lea, C. Flood, Fast splittable pseudorandom number generators, 2014.
    std::uint64_t bits() {
        std::uint64_t z = (state_ += 0x9e3779b97f4a7c15);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
    }
    int integer(int low, int high) { return low + static_cast<int>(bits() % (high - low + 1)); }
    int choice(std::initializer_list<int> values) {
        return values.begin()[integer(0, static_cast<int>(values.size()) - 1)];
    }
    double real(double low, double high) {
        return low + (high - low) * static_cast<double>(bits() >> 11) * 0x1p-53;
    }
    template <class T> std::vector<T> numbers(std::ptrdiff_t n, double low = -1, double high = 1) {
        std::vector<T> drawn(n);
        for (T& number : drawn) number = static_cast<T>(real(low, high));
        return drawn;
    }

  private:
    std::uint64_t state_;
};

}  // namespace cnn::tests
