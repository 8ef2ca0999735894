// What a run found: for each op the largest error, against loops in double and against the
// results of another level, which an earlier run wrote down.
#pragma once

#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <map>
#include <string>
#include <vector>

namespace cnn::tests {

// A sum that keeps what each addition rounds away (W. Kahan, 1965): long sums in plain
// double would be less exact than what they test.
struct Sum {
    double value = 0, lost = 0;
    void operator+=(double term) {
        const double next = term - lost, total = value + next;
        lost = total - value - next;
        if (!std::isfinite(lost)) lost = 0;  // what is not finite is exact
        value = total;
    }
    operator double() const { return value; }
};

// What an op should give, and for each number the size of what is rounded on the way to
// it: an error is counted in eps of that size. No size: the numbers must be equal.
struct Exact {
    std::vector<Sum> value;
    std::vector<double> size;
    explicit Exact(std::ptrdiff_t n = 0) : value(n), size(n) {}
    void add(std::ptrdiff_t k, double term) { add(k, term, std::abs(term)); }
    void add(std::ptrdiff_t k, double term, double s) { value[k] += term, size[k] += s; }
    void set(std::ptrdiff_t k, double v, double s) { value[k] = {v, 0}, size[k] = s; }
    void cut_off_below_zero(std::ptrdiff_t k) {
        if (value[k] < 0) value[k] = {};
    }
    void cut_off_above(std::ptrdiff_t k, double ceiling) {
        if (value[k] > ceiling) value[k] = {ceiling, 0};
    }
    // Ways that share products between neighbouring places: the largest size for all.
    Exact spread() const {
        Exact wide = *this;
        double most = 0;
        for (double s : size) most = std::max(most, s);
        for (double& s : wide.size) s = most;
        return wide;
    }
};

class Record {
  public:
    // `written`: results of this run go there; `other`: those of an earlier run come from
    // there. Either may be null.
    Record(std::FILE* written, std::FILE* other) : written_(written), other_(other) {}

    // Holds an array against what it should be, `allowed` eps away at most.
    template <class T>
    void hold(const std::string& op, double allowed, const Exact& want, const std::vector<T>& got) {
        if (want.value.size() != got.size()) fail("the number of results of " + op);
        Line& line = lines_[{op, sizeof(T) * 8}];
        if (line.arrays++ == 0) order_.push_back({op, sizeof(T) * 8});
        line.allowed = allowed;
        const double eps = std::numeric_limits<T>::epsilon();
        for (std::size_t k = 0; k < got.size(); ++k)
            line.error = std::max(line.error, error(got[k], want.value[k], eps * want.size[k]));
        if (written_) {
            put(op.size()), std::fwrite(op.data(), 1, op.size(), written_);
            put(sizeof(T)), put(got.size());
            std::fwrite(got.data(), sizeof(T), got.size(), written_);
        }
        if (other_) {
            std::string name(get(), ' ');
            if (std::fread(name.data(), 1, name.size(), other_) != name.size() || name != op ||
                get() != sizeof(T) || get() != got.size())
                fail("the other run wrote down other results: " + name + " in place of " + op);
            std::vector<T> theirs(got.size());
            if (std::fread(theirs.data(), sizeof(T), theirs.size(), other_) != theirs.size())
                fail("the other run wrote down less");
            for (std::size_t k = 0; k < got.size(); ++k)
                line.difference =
                    std::max(line.difference, error(got[k], theirs[k], eps * want.size[k]));
        }
    }

    // Prints a line an op and tells whether all is as it should be. Two levels may be
    // twice as far from each other as from the truth.
    bool report() const {
        bool good = true;
        std::printf("%-36s %-8s %6s %12s %12s %8s\n", "op", "dtype", "arrays", "from loops",
                    other_ ? "from other" : "", "allowed");
        for (const Key& key : order_) {
            const Line& line = lines_.at(key);
            const bool right = line.error <= line.allowed && line.difference <= 2 * line.allowed;
            good = good && right;
            char difference[32] = "";
            if (other_) std::snprintf(difference, sizeof difference, "%.3f", line.difference);
            std::printf("%-36s float%-3d %6d %12.3f %12s %8g%s\n", key.first.c_str(), key.second,
                        line.arrays, line.error, difference, line.allowed,
                        right ? "" : "  WRONG");
        }
        return good;
    }

    [[noreturn]] static void fail(const std::string& what) {
        std::fprintf(stderr, "levels: %s\n", what.c_str());
        std::exit(1);
    }

  private:
    using Key = std::pair<std::string, int>;  // an op, and the bits of a number
    struct Line {
        int arrays = 0;
        double allowed = 0, error = 0, difference = 0;
    };

    static double error(double got, double want, double unit) {
        if (got == want || (std::isnan(got) && std::isnan(want))) return 0;
        const double found = std::abs(got - want) / unit;
        return std::isnan(found) ? std::numeric_limits<double>::infinity() : found;
    }
    void put(std::uint64_t n) { std::fwrite(&n, sizeof n, 1, written_); }
    std::uint64_t get() {
        std::uint64_t n = 0;
        if (std::fread(&n, sizeof n, 1, other_) != 1) fail("the other run wrote down less");
        return n;
    }

    std::FILE* written_;
    std::FILE* other_;
    std::map<Key, Line> lines_;
    std::vector<Key> order_;
};

}  // namespace cnn::tests
