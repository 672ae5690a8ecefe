"""Twenty chips in gates, each with a model for it: what tests/rtl/check_chip.py emits and others may simulate. Every one is the mini chip but for
what is said: settings SECTION_KEY of a chip file, keys of tests/rtl/make_model.c."""
import math
import os
import subprocess


def config(name, model=None, **chip):
    return name, chip, dict(dict(layers=3, bits=4, zero=8), **(model or {}))


def grid(rows, columns, vectors, lanes):
    return dict(grid_rows=rows, grid_columns=columns, grid_matrix_units=rows * columns - vectors, grid_vector_units=vectors, vector_lanes=lanes,
                network_link=2 * vectors * lanes)


def lunits(n, lanes, leaf_group):
    return dict(lunit_per_matrix_unit=n, lunit_lanes=lanes, lunit_leaf_group=leaf_group)


WIDE = dict(hidden=256, heads=8, kv=4)
ONE_ROW = dict(schedule_block_rows=1, schedule_chunk_rows=1)

CHIPS = [
    config("mini"),
    config("minima", dict(min=1, zero=0)),
    config("2bit-32", dict(bits=2, zero=2)),
    config("2bit-64", dict(WIDE, bits=2, zero=0, min=1, group=64), hunit_mac=16),
    config("ternary-128", dict(WIDE, bits=2, zero=1, group=128), hunit_mac=16),
    config("8bit-32", dict(bits=8, zero=0)),
    config("8bit-128", dict(bits=8, zero=0, group=128), rom_style="logic"),
    config("4bit-64-brom", dict(group=64), rom_style="brom"),
    config("4bit-128-fused", dict(group=128, min=1, zero=0), rom_style="fused"),
    config("lanes-8-levels", dict(vocab=300, table=1, zero=0), lunit_table="on", lunit_table_bits=10, **lunits(4, 8, 32)),
    config("lanes-32", dict(WIDE, tied=0), hunit_mac=16, **lunits(4, 32, 32)),
    config("lanes-64", dict(bits=2, zero=1, group=64), **ONE_ROW, **lunits(8, 64, 64)),
    config("lanes-128", dict(hidden=256, heads=4, kv=1), **ONE_ROW, **grid(2, 1, 1, 32), **lunits(16, 128, 128)),  # one matrix unit: two kinds of tile would be twice the C++
    config("two-lunits-levels", dict(table=1, zero=0), lunit_table="on", **lunits(2, 16, 16)),
    config("eight-leaves", dict(group=64), **ONE_ROW, **lunits(8, 16, 16)),
    config("one-vector", None, hunit_mac=16, **grid(3, 3, 1, 16)),
    config("two-vectors", dict(heads=4, kv=1), hunit_mac=16, **grid(2, 3, 2, 8)),
    config("wide-vectors", dict(hidden=256, heads=4, head=64), hunit_mac=64, hunit_bandwidth=64, **grid(2, 5, 2, 32)),
    config("latencies", dict(arch="qwen2", down=8, zero=0), lunit_pipeline=4, vector_add=2, vector_mul=4, vector_convert=3, vector_div_interval=2,
           vector_exp_interval=6),
    config("one-row", dict(heads=8, kv=4, head=16), hunit_mac=16, hunit_bandwidth=16, rom_style="rom", **ONE_ROW),
]


def write(roma, make_model, name, folder):
    """Writes NAME.chip and NAME.roma of a configuration into a folder; the two paths."""
    _, chip, model = next(c for c in CHIPS if c[0] == name)
    n, lanes = chip.get("lunit_per_matrix_unit", 4), chip.get("lunit_lanes", 16)
    words = max(1, model.get("group", 32) * model["bits"] // 32)
    leaves = lanes // 8 * max(1, math.ceil(n / words))
    room = dict(lunit_words=65536, rom_macro_words=65536, lunit_buffer=512, rom_scale_words=65536, rom_scale_bits=leaves * (32 if model.get("min") else 16),
                vector_rom_words=1024, vector_sram=1000000)
    lines = ["like = mini"]
    for key, value in dict(room, **chip).items():
        section, _, parameter = key.partition("_")
        lines += ["[%s]" % section, "%s = %s [exact]  # assumed: a configuration of tests/rtl/chips20.py" % (parameter, value)]
    paths = os.path.join(folder, name + ".chip"), os.path.join(folder, name + ".roma")
    with open(paths[0], "w") as f:
        f.write("\n".join(lines) + "\n")
    subprocess.run([make_model, paths[1]] + ["%s=%s" % pair for pair in model.items()], check=True)
    return paths
