// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "base/check.hpp"
#include "codec/deflate.hpp"
#include "codec/isal_encoder.hpp"

namespace submitit::codec {
namespace {

using table = std::array<deflate_choice, 9>;
constexpr deflate_choice isal(int level) { return {deflate_engine::isal, level}; }
constexpr deflate_choice ld(int level) { return {deflate_engine::libdeflate, level}; }

// MB/s a core and MB out on a 2-core AMD EPYC virtual machine, libdeflate 1.14, ISA-L 2.30 (AVX-512), zlib 1.2.13;
// perf/micro/codec_bench over a Linux 6.1 source tree: 78,579 files, 1,299 MB as entries; the same as a 1,362 MB tar in
// segments of 1 MiB, joining included. For comparison the levels of zlib on the same entries, and pigz on the same tar
// (it carries its window over block borders; on a tar in directory order it makes 226.2 MB at level 6).
//
//                 entries        segments           level   zlib, entries    pigz
//   isal 0        733   330.7    793   296.9            1      142   299.7   280.2
//   isal 1        527   295.6    749   276.0            2      130   288.1   266.0
//   isal 2        499   293.7    717   272.5            3      116   280.2   255.5
//   isal 3        252   284.3    305   260.3            4      100   264.7   238.1
//   libdeflate 1  246   277.4    257   253.8            5       75   255.5   227.0
//   libdeflate 2  156   271.2    159   246.0            6       54   251.1   221.3
//   libdeflate 3  148   265.0    155   238.6            7       51   249.4   219.4
//   libdeflate 4  139   260.5    140   233.2            8       34   247.9   217.5
//   libdeflate 5  120   254.7    120   226.8            9       31   247.8   217.3
//   libdeflate 6   98   250.2     96   221.6
//   libdeflate 7   74   248.1     60   219.0
//   libdeflate 8   39   246.7     32   217.4
//   libdeflate 9   32   246.6     26   217.2
//   libdeflate 10  10   240.3     10  ~210 (from every eighth segment)
//
// Joining adds 20 % to libdeflate 1, 14 to 2, 12 to 3, 10 to 4, 8 to 5, 6 to 6, 4 to 7 (it is in the figures above).
// Executables (every second file of 966 MB): the order is the same; there ISA-L 1 makes 3 % more than zlib 1 at 6 times
// its speed, and in segments ISA-L 2 makes 1 to 2 % more than pigz -1 (estimated from every eighth segment).
//
// So zlib's ratio costs: level 1 ISA-L 1, and 2 in segments, where its peer has a window to carry on; 2 and 3 libdeflate
// 1 (ISA-L 3 would do in segments of source, but makes 7 % more than ISA-L 2 on binary records); 4 and 5 the same number;
// 6 libdeflate 6, since 5 misses by 1.4 %; 9 libdeflate 8, since 9 saves 0.05 % for a quarter more time.
constexpr table entry_levels{isal(1), ld(1), ld(1), ld(4), ld(5), ld(6), ld(7), ld(7), ld(8)};
constexpr table segment_levels{isal(2), ld(1), ld(1), ld(4), ld(5), ld(6), ld(7), ld(7), ld(8)};
constexpr table levels_of_libdeflate{ld(1), ld(1), ld(1), ld(4), ld(5), ld(6), ld(7), ld(7), ld(8)};

}  // namespace

deflate_choice deflate_choice_for(int level, bool reproducible, deflate_use use) noexcept {
    SUBMITIT_CHECK(level >= 1 && level <= 9);
    table const& levels = reproducible || !isal_encoder::available() ? levels_of_libdeflate
                          : use == deflate_use::entry                ? entry_levels
                                                                     : segment_levels;
    return levels[static_cast<std::size_t>(level - 1)];
}

}  // namespace submitit::codec
