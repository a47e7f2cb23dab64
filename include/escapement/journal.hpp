#pragma once
// The journal: the file that holds what a domain did, so that it can be compared and done again.
//
//     JournalFile file;                                                 // journal_file.hpp
//     if (const int error = file.create("run.journal")) return complain(error);
//     JournalWriter writer(file, {.policy = "counted", .quantum = 1000, .command_line = "machine disk.img"});
//     writer.record({.kind = JournalRecordKind::operation, .operation = OperationKind::lock,
//                    .participant = 1, .object = objects.number_of(key), .clock = 4711});
//     writer.close();                                                   // the end is a record, too
//
//     auto reader = JournalReader::open(file, "run.journal");
//     if (!reader) return complain(reader.error().text());
//     while (const JournalRecord* record = reader->next()) fmt::print("{}\n", describe(*record));
//     if (reader->trouble()) complain(reader->trouble()->text());       // cut, damaged: where, after how
//     many
//
// Contract. What was recorded is read back, in its order. A file is only ever added to, by whole blocks:
// after kill -9 or on a full disk, all blocks that were written read back. Two journals of equal records and
// equal headers are equal files. Writer and reader call no operating system: bytes go to a JournalSink and
// come from a JournalSource. What a record is, how it is written, read, and done again has a header each, all
// included here.
//
// Units: clocks are counts (order.hpp), offsets and sizes are bytes.
// Thread safety: none; who records holds the turn, or a lock of its own. Different objects are independent.
//
// The format, version 1. All fixed numbers are little-endian; `varint` is LEB128 of 64 bits; `zigzag` is a
// varint of (n << 1) ^ (n >> 63).
//
//     header   8 bytes "ESCAPEJ\n", version u32, size of what follows u32 (at most 64 KiB), then the strings
//              policy, clock source, event, fingerprint, command line (each a varint and so many bytes),
//              quantum and flags (varints); then XXH3-64 of all that, u64.
//     block    "EBLK", flags u32 (1: zstd, 2: the last), stored size u32, raw size u32 (at most 256 KiB),
//              records u32, 0 u32, the stored bytes, checksum u64: XXH3-64 of all these, seeded with the
//              checksum before it (of the first block: the header's).
//     records  Of a block, decompressed: a tag byte for each record, then what belongs to them, one behind
//     the
//              other. Low 6 bits of a tag below 63: the shape in that slot again; the two upper bits say by
//              how much its participant's clock is further: 0: by what it was the last time; 1, 2, 3: by the
//              number in the next 1, 2 or 4 bytes. 63: a literal; 0x80: it has an address, 0x40: its
//              participant is that of the record before. A literal is its kind, 1 byte; [varint participant];
//              varint clock delta; varint object; zigzag result; [zigzag address minus the literal's before];
//              an operation's kind is 1 byte more. An operation, a turn or a ready poll goes into the next of
//              the 63 slots, in rotation; any other kind has a varint value, a varint size, and so many
//              bytes.
//     Each block begins anew: slots empty, clocks, addresses and participants 0. So a block is read without
//     those before it, and equal blocks need not be decoded to be compared. The last record is `end`.
//
// Sources: LEB128 as in DWARF 5, 7.6; zstd (RFC 8878); XXH3 (xxhash.com).

#include <escapement/journal_reader.hpp>
#include <escapement/journal_record.hpp>
#include <escapement/journal_replay.hpp>
#include <escapement/journal_writer.hpp>
