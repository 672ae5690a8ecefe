/* Pre-tokenizers of byte-level BPE as steps of tokenizer.json, and the scanner for each. The expressions are those of
 * docs/tokenizer.md, as families publish them; their characters beyond ASCII are written in octal. */
#include "hf.h"

#define SPLIT(regex) "Split behavior=Isolated pattern=re:" regex "\n"
#define BYTES "ByteLevel add_prefix_space=false use_regex=false\n"
#define SMALL "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|"
#define REST "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

/* clang-format off */
const hf_scanner roma_import_hf_scanners[] = {
    {"", "ByteLevel add_prefix_space=false\n", ROMA_PRE_GPT2},
    {"", "Digits individual_digits=true\nByteLevel add_prefix_space=false\n", ROMA_PRE_SMOLLM},
    {"", SPLIT(SMALL "\\p{N}{1,3}" REST) BYTES, ROMA_PRE_LLAMA3},
    {"NFC\n", SPLIT(SMALL "\\p{N}" REST) BYTES, ROMA_PRE_QWEN2},
    {"", "Split behavior=Isolated pattern=re:[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*["
     "\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll"
     "}\\p{Lm}\\p{Lo}\\p{M}]*|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+\nB"
     "yteLevel add_prefix_space=false use_regex=false\n",
     ROMA_PRE_TEKKEN},
    {"", "Split behavior=Isolated pattern=re:[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*["
     "\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}"
     "\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\\p{N}{1,3}| ?"
     "[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+\nByteLevel add_prefix_space=false u"
     "se_regex=false\n",
     ROMA_PRE_GPT4O},
    {"", "Split behavior=Isolated pattern=re:(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p"
     "{M}]+|\\p{N}| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+\nByteLevel add_"
     "prefix_space=false use_regex=false\n",
     ROMA_PRE_QWEN35},
    {"", "Split behavior=Isolated pattern=re:[\r\n]\nSplit behavior=Isolated pattern=re:\\s?[A-Za-z\302"
     "\265\303\200-\303\226\303\230-\303\266\303\270-\306\272\306\274-\306\277\307\204-\312\223\312"
     "\225-\312\257\315\260-\315\263\315\266\315\267\315\273-\315\275\315\277\316\206\316\210-\316\212"
     "\316\214\316\216-\316\241\316\243-\317\265\317\267-\322\201\322\212-\324\257\324\261-\325\226"
     "\341\202\240-\341\203\205\341\216\240-\341\217\265\341\217\270-\341\217\275\341\262\220-\341\262"
     "\272\341\262\275-\341\262\277\341\264\200-\341\264\253\341\265\253-\341\265\267\341\265\271-\341"
     "\266\232\341\270\200-\341\274\225\341\274\230-\341\274\235\341\274\240-\341\275\205\341\275\210-"
     "\341\275\215\341\275\220-\341\275\227\341\275\231\341\275\233\341\275\235\341\275\237-\341\275"
     "\275\341\276\200-\341\276\264\341\276\266-\341\276\274\341\276\276\341\277\202-\341\277\204\341"
     "\277\206-\341\277\214\341\277\220-\341\277\223\341\277\226-\341\277\233\341\277\240-\341\277\254"
     "\341\277\262-\341\277\264\341\277\266-\341\277\274\342\204\202\342\204\207\342\204\212-\342\204"
     "\223\342\204\225\342\204\231-\342\204\235\342\204\244\342\204\246\342\204\250\342\204\252-\342"
     "\204\255\342\204\257-\342\204\264\342\204\271\342\204\274-\342\204\277\342\205\205-\342\205\211"
     "\342\205\216\342\206\203\342\206\204\342\260\200-\342\261\273\342\261\276-\342\263\244\342\263"
     "\253-\342\263\256\342\263\262\342\263\263\352\231\200-\352\231\255\352\232\200-\352\232\233\352"
     "\234\242-\352\235\257\352\235\261-\352\236\207\352\236\213-\352\236\216\352\255\260-\352\256\277"
     "\357\254\200-\357\254\206\357\254\223-\357\254\227\357\274\241-\357\274\272\357\275\201-\357\275"
     "\232\360\220\220\200-\360\220\221\217\360\220\222\260-\360\220\223\223\360\220\223\230-\360\220"
     "\223\273\360\220\262\200-\360\220\262\262\360\220\263\200-\360\220\263\262\360\221\242\240-\360"
     "\221\243\237\360\236\244\200-\360\236\245\203]+\nSplit behavior=Isolated pattern=re:\\s?[!-/:-~"
     "\357\274\201-\357\274\217\357\274\232-\357\275\236\342\200\230-\342\200\237\343\200\200-\343\200"
     "\202]+\nSplit behavior=Isolated pattern=re:\\s+$\nSplit behavior=Isolated pattern=re:[\344\270"
     "\200-\351\276\245\340\240\200-\344\270\200\352\260\200-\355\237\277]+\nDigits individual_digits="
     "true\nByteLevel add_prefix_space=false use_regex=false\n",
     ROMA_PRE_DEEPSEEK_LLM},
    {"", "Split behavior=Isolated pattern=re:[\r\n]\nSplit behavior=Isolated pattern=re:\\s?\\p{L}+\nSplit"
     " behavior=Isolated pattern=re:\\s?\\p{P}+\nSplit behavior=Isolated pattern=re:[\344\270\200-\351"
     "\276\245\340\240\200-\344\270\200\352\260\200-\355\237\277]+\nDigits individual_digits=true\nByt"
     "eLevel add_prefix_space=false use_regex=false\n",
     ROMA_PRE_DEEPSEEK_CODER},
    {"", "Punctuation behavior=Contiguous\nByteLevel add_prefix_space=false\nDigits individual_digits=fals"
     "e\nSplit behavior=Isolated pattern=re:[0-9][0-9][0-9]\n",
     ROMA_PRE_FALCON},
    {"NFC\n", "ByteLevel add_prefix_space=false\n",
     ROMA_PRE_MPT},
    {"NFC\n", "Digits individual_digits=true\nByteLevel add_prefix_space=false\n",
     ROMA_PRE_COMMAND_R},
    {NULL, NULL, ROMA_PRE_NONE}};
/* clang-format on */
