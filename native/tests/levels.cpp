// Holds the kernels of one level against loops in double, and against another level's
// results where an earlier run wrote them down.
//
//   levels [--level NAME] [--threads N] [--write FILE] [--check FILE]
//
// So a level of another architecture is tested under an emulator, without Python:
//   levels --level baseline --write baseline.bin;  qemu-aarch64 levels --check baseline.bin
// The sizes are drawn; the same on every machine. Exit status 1 where a result is wrong.
#include <cstdlib>

#include "dispatch/dispatch.hpp"
#include "parallel/pool.hpp"
#include "tests/cases.hpp"

using namespace cnn;
using cnn::tests::Record;

namespace {

void choose(const std::string& name) {
    std::string here;
    for (int k = 0; k < n_candidates(); ++k) {
        if (!candidates()[k].here) continue;
        if (candidates()[k].level->name == name) return set_level(*candidates()[k].level);
        here += std::string(" ") + candidates()[k].level->name;
    }
    Record::fail("no level " + name + " on this machine; there are:" + here);
}

std::FILE* opened(const char* path, const char* mode) {
    std::FILE* file = std::fopen(path, mode);
    if (!file) Record::fail(std::string("cannot open ") + path);
    return file;
}

}  // namespace

int main(int n_words, char** words) {
    std::FILE* written = nullptr;
    std::FILE* other = nullptr;
    set_n_threads(3);  // odd, and more than a machine may have
    for (int k = 1; k < n_words; k += 2) {
        const std::string option = words[k];
        if (k + 1 == n_words) Record::fail(option + " needs a value");
        if (option == "--level") choose(words[k + 1]);
        else if (option == "--threads") set_n_threads(std::atoi(words[k + 1]));
        else if (option == "--write") written = opened(words[k + 1], "wb");
        else if (option == "--check") other = opened(words[k + 1], "rb");
        else Record::fail("unknown option " + option);
    }
    std::printf("level %s, %d threads; errors in eps of what is rounded on the way\n",
                current_level().name, n_threads());
    std::fflush(stdout);
    Record record(written, other);
    tests::conv_cases<float>(record), tests::conv_cases<double>(record);
    tests::norm_cases<float>(record), tests::norm_cases<double>(record);
    tests::image_cases<float>(record), tests::image_cases<double>(record);
    tests::loss_cases<float>(record), tests::loss_cases<double>(record);
    tests::elementwise_cases<float>(record), tests::elementwise_cases<double>(record);
    const bool good = record.report();
    if (written && std::fclose(written) != 0) Record::fail("cannot write the results");
    std::printf("level %s: %s\n", current_level().name, good ? "all as it should be" : "WRONG");
    return good ? 0 : 1;
}
