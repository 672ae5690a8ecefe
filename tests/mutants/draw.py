"""Small faults in C sources: every one that the operators below can make, and a draw of lines that a change elsewhere leaves as it is.

A fault replaces one stretch of a source's text. Comments, texts in quotes, assertions and the preprocessor are left alone (but for numbers that
have a name), and so are the tables that gen_unicode.py makes and the sizes of local texts, whose growth is no fault.
"""
import hashlib
import re
from collections import namedtuple

TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''
    r'|0[xX][0-9a-fA-F.]+(?:[pP][+-]?\d+)?[uUlLfF]*|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[uUlLfF]*|[A-Za-z_]\w*'
    r'|<<=|>>=|\.\.\.|->|\+\+|--|<=|>=|==|!=|&&|\|\||<<|>>|[-+*/%&|^]=|[-+*/%&|^~!<>=?:;,.(){}\[\]#\\]', re.S)

RELATIONAL = {'<': ['<=', '>='], '<=': ['<', '>'], '>': ['>=', '<='], '>=': ['>', '<'], '==': ['!='], '!=': ['==']}
ARITHMETIC = {'+': ['-'], '-': ['+'], '*': ['/'], '/': ['*'], '%': ['/'], '+=': ['-='], '-=': ['+='], '*=': ['/='], '/=': ['*='],
              '++': ['--'], '--': ['++']}
BITWISE = {'&': ['|'], '|': ['&'], '^': ['|'], '<<': ['>>'], '>>': ['<<'], '&=': ['|='], '|=': ['&='], '^=': ['|='], '<<=': ['>>='],
           '>>=': ['<<=']}
LOGICAL = {'&&': ['||'], '||': ['&&']}
WORDS = {'true': ['false'], 'false': ['true'], 'break': ['(void)0'], 'continue': ['(void)0']}
NEVER_A_CALL = {'if', 'for', 'while', 'switch', 'return', 'sizeof', 'case', 'else', 'do', 'defined', '_Static_assert', 'static_assert', 'assert'}
NOT_A_STATEMENT = NEVER_A_CALL - {'return'} | {'goto', 'break', 'continue', 'default', 'typedef', 'static', 'extern', 'const', 'struct', 'enum',
                                               'union', 'unsigned', 'int', 'double', 'float', 'char', 'void', 'bool', 'size_t'}

DECLARED = re.compile(r'(const |struct |unsigned )?\w+ \**\w+(\[.*\])?$|void$|\.\.\.$')

Token = namedtuple('Token', 'text start end kind')  # kind: word, number, sign, text (comments are dropped)
Fault = namedtuple('Fault', 'key file line operator start end old new')


def kind_of(text):
    if text[0].isdigit() or (text[0] == '.' and len(text) > 1 and text[1].isdigit()):
        return 'number'
    return 'word' if text[0].isalpha() or text[0] == '_' else 'text' if text[0] in '"\'' else 'sign'


def tokens_of(source):
    """Tokens outside of comments, the preprocessor and assertions; numbers of `#define NAME number` are kept."""
    out, quiet = [], [False] * (len(source) + 1)
    for m in re.finditer(r'^[ \t]*#(?:[^\n]*\\\n)*[^\n]*', source, re.M):
        named = re.match(r'[ \t]*#define \w+ +(?=\(?[-0-9])', m.group())
        quiet[m.start():m.start() + named.end() if named and '\\' not in m.group() else m.end()] = [True] * (
            named.end() if named and '\\' not in m.group() else m.end() - m.start())
    for m in re.finditer(r'\b(?:static_|_Static_)?assert\([^\n]*', source):
        quiet[m.start():m.end()] = [True] * (m.end() - m.start())
    for m in re.finditer(r'\bchar \w+\[\d+\]', source):
        quiet[m.start():m.end()] = [True] * (m.end() - m.start())
    for m in TOKEN.finditer(source):
        if not m.group().startswith(('//', '/*')) and not quiet[m.start()]:
            out.append(Token(m.group(), m.start(), m.end(), kind_of(m.group())))
    return out


def partners(tokens):
    """Index of the bracket that closes or opens the one at an index."""
    pair, stack = {}, []
    for i, t in enumerate(tokens):
        if t.text in ('(', '[', '{'):
            stack.append(i)
        elif t.text in (')', ']', '}') and stack:
            pair[i] = stack.pop()
            pair[pair[i]] = i
    return pair


def is_binary(tokens, i):
    """Whether the sign at i stands between two values: `type *name` has no blank after the sign, which clang-format sees to."""
    before = tokens[i - 1] if i else None
    if tokens[i].text in ('*', '&') and tokens[i + 1].start == tokens[i].end:
        return False
    return before is not None and (before.kind == 'number' or before.text in (')', ']') or
                                   (before.kind == 'word' and before.text not in ('return', 'case')))


def changed_number(text):
    if re.search(r'[.pP]', text) or (re.search(r'[eEfF]', text) and not text.lower().startswith('0x')):
        return [f'({text} * 2)'] if re.search(r'[1-9]', text) else [f'({text} + 1)']
    return [f'({text} + 1)', f'({text} - 1)'] if text.rstrip('uUlL') != '0' else [f'({text} + 1)']


def of_signs(tokens, pair):
    loop = set()  # indexes inside the middle of for (...)
    for i, t in enumerate(tokens):
        if t.text == 'for' and i + 1 in pair:
            first = next((k for k in range(i, pair[i + 1]) if tokens[k].text == ';'), i)
            loop.update(range(first, next((k for k in range(first + 1, pair[i + 1]) if tokens[k].text == ';'), first)))
    for i, t in enumerate(tokens):
        if t.text in RELATIONAL and is_binary(tokens, i):
            for new in RELATIONAL[t.text]:
                yield ('bound' if i in loop else 'relational'), t.start, t.end, new
        elif t.text in LOGICAL:
            yield 'logical', t.start, t.end, LOGICAL[t.text][0]
        elif t.text == '!':
            yield 'logical', t.start, t.end, ''
        elif t.text in BITWISE and is_binary(tokens, i):
            yield 'bitwise', t.start, t.end, BITWISE[t.text][0]
        elif t.text in ARITHMETIC and (is_binary(tokens, i) or t.text in ('++', '--')):
            yield 'arithmetic', t.start, t.end, ARITHMETIC[t.text][0]
        elif t.text in WORDS:
            yield ('drop' if t.text in ('break', 'continue') else 'constant'), t.start, t.end, WORDS[t.text][0]
        elif t.kind == 'number':
            for new in changed_number(t.text):
                yield 'constant', t.start, t.end, new


def of_conditions(tokens, pair, source):
    for i, t in enumerate(tokens):
        if t.text in ('if', 'while') and i + 1 in pair:
            begin, end = tokens[i + 1].end, tokens[pair[i + 1]].start
            yield 'negate', begin, end, f'!({source[begin:end]})'


def of_calls(tokens, pair, source):
    for i, t in enumerate(tokens):
        if t.kind != 'word' or t.text in NEVER_A_CALL or i + 1 not in pair or tokens[i + 1].text != '(':
            continue
        commas, k = [i + 1], i + 2
        while k < pair[i + 1]:
            if tokens[k].text in ('(', '[', '{') and k in pair:
                k = pair[k]
            elif tokens[k].text == ',':
                commas.append(k)
            k += 1
        commas.append(pair[i + 1])
        for a, b, c in zip(commas, commas[1:], commas[2:]):
            one, two = source[tokens[a].end:tokens[b].start].strip(), source[tokens[b].end:tokens[c].start].strip()
            if DECLARED.match(one) or DECLARED.match(two):
                continue
            if one != two and b > a + 1 and c > b + 1:
                yield 'swap', tokens[a + 1].start, tokens[c - 1].end, f'{two}, {one}'


def of_statements(tokens, pair, source):
    for i, t in enumerate(tokens):
        before = tokens[i - 1].text if i else ';'
        opens = before in (';', '{', '}', 'else', ':')
        if before == ')' and i - 1 in pair and pair[i - 1] > 0 and tokens[pair[i - 1] - 1].text in ('if', 'for', 'while'):
            opens = True
        if not opens or t.text in NOT_A_STATEMENT or (t.kind != 'word' and t.text not in ('*', '++', '--', '(')):
            continue
        if t.text == 'return' and before != ')':
            continue
        k = i
        while k < len(tokens) and tokens[k].text not in (';', '{', '}'):
            k = pair[k] + 1 if tokens[k].text in ('(', '[') and k in pair else k + 1
        text = source[t.start:tokens[k].start] if k < len(tokens) else ''
        declares = re.match(r'\w+\s+\**\w+|\w+\s*\*+\s*\w+\s*(=|;|,|$)', text) and t.text != 'return'
        if k < len(tokens) and tokens[k].text == ';' and not declares and re.search(r'[=(]|\+\+|--|return', text):
            yield 'drop', t.start, tokens[k].start, '(void)0'


def faults_of(name, source):
    """All faults of one source, each with a key made of its line's text, which of the equal lines that is, and the change."""
    tokens = tokens_of(source)
    pair = partners(tokens)
    lines = source.split('\n')
    begins, at = [], 0
    for line in lines:
        begins.append(at)
        at += len(line) + 1
    seen, occurrence = {}, []
    for line in lines:
        seen[line.strip()] = seen.get(line.strip(), 0) + 1
        occurrence.append(seen[line.strip()])
    found = {}
    for maker in (of_signs(tokens, pair), of_conditions(tokens, pair, source), of_calls(tokens, pair, source),
                  of_statements(tokens, pair, source)):
        for operator, start, end, new in maker:
            n = source.count('\n', 0, start)
            text = lines[n].strip()
            place = start - begins[n] - (len(lines[n]) - len(lines[n].lstrip()))
            where = f'{name}|{text}|{occurrence[n]}'
            key = digest(f'{where}|{operator}|{place}|{new}')[:10]
            found[key] = (where, Fault(key, name, n + 1, operator, start, end, source[start:end], new))
    return list(found.values())


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


def draw(sources, seed):
    """Faults in the order in which they are tried: one of each line, lines in an order that depends on seed, file, text and occurrence alone."""
    by_line = {}
    for name, source in sources.items():
        for where, fault in faults_of(name, source):
            by_line.setdefault(where, []).append(fault)
    order = sorted(by_line, key=lambda where: digest(f'{seed}|{where}'))
    return [min(by_line[where], key=lambda f: digest(f'{seed}|{f.key}')) for where in order]
