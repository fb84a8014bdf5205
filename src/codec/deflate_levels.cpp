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
// (it carries its window over block borders; on a tar in directory order it makes 226 MB at level 6, 285 at level 1).
//
//                 entries        segments           level   zlib, entries    pigz
//   isal 0        733   330.7    774   298.6            1      142   299.7   280.2
//   isal 1        527   295.6    756   277.5            2      130   288.1   266.0
//   isal 2        499   293.7    686   274.0            3      116   280.2   255.5
//   isal 3        252   284.3    309   261.5            4      100   264.7   238.1
//   libdeflate 1  246   277.4    240   255.0            5       75   255.5   227.0
//   libdeflate 2  156   271.2    172   247.0            6       57   251.0   221.3
//   libdeflate 3  148   265.0    157   239.7            7       46   249.2   219.4
//   libdeflate 4  139   260.5    143   234.3            8       32   247.7   217.5
//   libdeflate 5  120   254.7    123   227.7            9       28   247.7   217.3
//   libdeflate 6   98   250.2     91   222.6
//   libdeflate 7   73   247.0     62   220.0
//   libdeflate 8   39   245.7     33   218.4
//   libdeflate 9   32   245.6     26   218.3
//   libdeflate 10  11   239.4     10   211.1
//
// Joining adds 20 % to libdeflate 1, 13 to 2, 11 to 3 and 4, 8 to 5, 6 to 6, 4 to 7 (it is in the figures above).
// Executables and libraries, 966 MB: the order is the same; there ISA-L 1 makes 3 % more than zlib 1 at 6 times its
// speed, and in segments ISA-L 2 makes 1.4 % more than pigz -1.
//
// So zlib's ratio costs: level 1 ISA-L 1, and 2 in segments, where its peer has a window to carry on; 2 and 3 libdeflate
// 1 (ISA-L 3 would do in segments of source, but makes 7 % more than ISA-L 2 on binary records); 4 and 5 the same number;
// 6 libdeflate 6, since 5 misses by 1.5 %; 9 libdeflate 8, since 9 saves 0.05 % for a quarter more time.
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
