#!/usr/bin/env python3
"""What `roma rtl --chip` refuses: one refusal of each row of the table in docs/hardware.md, "What is built".

usage: test_limits.py ROMA MAKE_MODEL

Each is a chip or a model that differs from what is built in one thing: it ends with exit code 2, a message of one line that has the row's name, and
no folder. A row that nothing tries fails, and so does a refusal in src/rtl/limits.c that has no row.
"""
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cli"))
from shared import ROMA, TOP, check, finish, own_folder

MAKE_MODEL = os.path.abspath(sys.argv[2])


def chip(**settings):
    """What a chip file says beside `like = mini`: section_key=value."""
    return settings, {}


def model(**keys):
    return {}, keys


WIDE = dict(lunit_words=2000000, rom_macro_words=2000000, rom_scale_words=2000000, lunit_buffer=200000, vector_rom_words=200000, vector_sram=100000000)
TRIES = {
    "schedule.attention_overlap": chip(schedule_attention_overlap="on"),
    "schedule.streams": chip(schedule_streams=2),
    "schedule.lora": chip(schedule_lora="serial"),
    "schedule.fill": chip(schedule_fill=10),
    "schedule.full_logits": chip(schedule_full_logits="on"),
    "schedule.chunk_rows": chip(schedule_chunk_rows=129),
    "hunit.mac_efficiency": chip(hunit_mac_efficiency=0.9),
    "hunit.read_efficiency": chip(hunit_read_efficiency=0.9),
    "hunit.pages": chip(hunit_pages="spread"),
    "hunit.mac": chip(hunit_mac=24),
    "hunit.bandwidth": chip(hunit_bandwidth=16),
    "hunit.exp": chip(hunit_exp=2),
    "hunit.page_run": chip(hunit_page_run=1),
    "hunit.sram": chip(hunit_sram=4096),
    "cache.element": chip(cache_element=2),
    "cache.scale": chip(cache_scale=2),
    "cache.lora_element": chip(cache_lora_element=2),
    "rom.style": chip(rom_style="cell"),
    "rom.embedding": chip(rom_embedding="outside"),
    "rom.scale_port": chip(rom_scale_port="shared"),
    "rom.patch_words": chip(rom_patch_words=4),
    "rom.gated": chip(rom_gated="on"),
    "lunit.style": chip(lunit_style="serial"),
    "lunit.hold": chip(lunit_hold="on"),
    "lunit.trits": chip(lunit_trits="on"),
    "lunit.per_matrix_unit": chip(lunit_per_matrix_unit=1, lunit_buffer=1024),
    "lunit.pipeline": chip(lunit_pipeline=2),
    "lunit.leaf_group": chip(lunit_leaf_group=64),
    "vector.lanes": chip(vector_lanes=12),
    "grid.vector_units": chip(grid_columns=3, grid_rows=4, grid_matrix_units=9, grid_vector_units=3, hunit_mac=16),
    "grid.matrix_units": chip(grid_columns=1, grid_rows=13, grid_matrix_units=9),
    "vector.add": chip(vector_add=7),
    "vector.mul": chip(vector_mul=0),
    "vector.convert": chip(vector_convert=5),
    "vector.div": chip(vector_div=15),
    "vector.sqrt": chip(vector_sqrt=15),
    "vector.div_interval": chip(vector_div_interval=5),
    "vector.exp_interval": chip(vector_exp_interval=3),
    "network.hop": chip(network_hop=2),
    "network.link": chip(network_link=32),
    "distance of tiles": chip(vector_div_interval=1, grid_rows=3, grid_columns=32, grid_matrix_units=64, grid_vector_units=32, network_link=512, vector_sram=1000000),
    "head_norm": model(arch="qwen3"),
    "head_dim": model(head=96, hidden=192),
    "keys of all heads": (dict(grid_columns=4, grid_rows=2, grid_matrix_units=6, grid_vector_units=2, vector_lanes=32, network_link=128, hunit_mac=16),
                          dict(hidden=96, heads=3, kv=3)),
    "rope_dim": ({}, dict(head=64, rope=16)),
    "factor of cos and sin": model(gain=1100),
    "quotients of rows": chip(vector_div_interval=6, vector_exp_interval=6),  # of 4 cycles
    "own widths": model(width=172, ffn=192),
    "biases": model(biases=1),
    "orders of columns": model(ordered=1),
    "rms_eps": model(eps="1e-31"),
    "layers": (dict(WIDE, hunit_sram=10000000), dict(layers=128, ffn=32, hidden=64, heads=2, kv=1, vocab=32, bits=2)),
    "rows of a matrix": (dict(WIDE), dict(layers=1, ffn=32, heads=2, kv=1, vocab=16385 * 16, bits=2, hidden=256)),
    "rows of the embedding": (dict(lunit_per_matrix_unit=8), dict(hidden=96, heads=3, kv=1)),
    "bits of codes": model(bits=5, zero=16),
    "scales": model(scale=2, min=2, hidden=256, heads=8),
    "level table": (dict(lunit_table="on"), dict(table=2)),
    "zero points": model(zeros=1),
    "group": model(bits=2, group=16),
    "formats of one value": model(up=8),
    "codes of the next row": (dict(vector_div_interval=1), dict(hidden=64, heads=2, kv=1)),
    "lunit.table": model(table=1),
    "lunit.words": chip(lunit_words=100),
    "rom.scale_words": chip(rom_scale_words=100),
    "rom.scale_bits": chip(rom_scale_bits=16),
    "lunit.buffer": chip(lunit_buffer=32),
    "vector.rom_words": chip(vector_rom_words=2),
    "vector.sram": chip(vector_sram=4096),
    "vector memory": (dict(WIDE, schedule_chunk_rows=128), dict(layers=1, ffn=8192, bits=2)),
}


def write_chip(settings):
    lines = ["like = mini"]
    for name, value in settings.items():
        section, key = name.split("_", 1)
        lines += ["[%s]" % section, "%s = %s [exact]  # assumed: a test" % (key, value)]
    with open("one.chip", "w") as f:
        f.write("\n".join(lines) + "\n")


def emit(settings, keys):
    write_chip(settings)
    image = "plain.roma"
    if keys:
        image = "one.roma"
        subprocess.run([MAKE_MODEL, image] + ["%s=%s" % pair for pair in keys.items()], check=True)
    return subprocess.run([ROMA, "rtl", "--chip", "one.chip", "--image", image, "-o", "out"], capture_output=True, text=True)


def rows_of_page():
    page = open(os.path.join(TOP, "docs/hardware.md"), encoding="utf-8").read()
    table = page.partition("### What is built")[2].partition("\n## ")[0]
    return re.findall(r"^\| `([^`]+)` \|", table, re.M)


def main():
    rows = rows_of_page()
    source = open(os.path.join(TOP, "src/rtl/limits.c"), encoding="utf-8").read()
    refused = re.findall(r'^    \{"([^"]+)", \w+,', source, re.M) + re.findall(r'refuse_format\("([^"]+)"', source)
    check(len(rows) > 50 and len(set(rows)) == len(rows), "docs/hardware.md has rows %s" % rows)
    check(set(refused) <= set(rows), "refused without a row in docs/hardware.md: %s" % sorted(set(refused) - set(rows)))
    check(set(TRIES) == set(rows), "rows without a refusal here, or the other way: %s" % sorted(set(TRIES) ^ set(rows)))
    with own_folder():
        subprocess.run([MAKE_MODEL, "plain.roma"], check=True)
        p = emit({}, {})
        check(p.returncode == 0 and not p.stderr and os.path.isdir("out"), "what is built: exit code %d: %s" % (p.returncode, p.stderr))
        subprocess.run(["rm", "-r", "out"], check=True)
        p = emit({}, dict(ordered=2))
        check(p.returncode == 0 and not p.stderr, "an order that is folded: exit code %d: %s" % (p.returncode, p.stderr))
        subprocess.run(["rm", "-r", "out"], check=True)
        for name in rows:
            if name not in TRIES: continue
            p = emit(*TRIES[name])
            said = "%s: exit code %d: %s" % (name, p.returncode, p.stderr)
            check(p.returncode == 2 and p.stderr.count("\n") == 1 and name in p.stderr and not p.stdout, said)
            check(not os.path.exists("out"), name + ": something was written")
    finish("%d rows" % len(rows))


main()
