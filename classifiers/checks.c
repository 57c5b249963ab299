#include "checks.h"

#include "checks_parts.h"

#include <string.h>

static const struct checks_table *const tables[] = {
    &checks_sums,  &checks_cards, &checks_bank,   &checks_americas, &checks_europe,
    &checks_world, &checks_vat,   &checks_people, &checks_crypto,   &checks_secrets,
};

bool checks_sum_holds(const struct checks_sum *sum, const char *text)
{
    int rest = 0;
    for (size_t i = 0; i < sum->length; i++) {
        if (sum->weights[i] == 0)
            continue;
        int value = sum->letters ? digits_base36(text[i]) : digits_value(text[i]);
        if (value < 0)
            return false;
        int product = value * sum->weights[i];
        rest += sum->crossed ? product / 10 + product % 10 : product;
    }
    rest %= sum->modulus;
    rest = rest < 0 ? rest + sum->modulus : rest;
    if (!sum->map)
        return rest == 0;
    if (sum->map[rest] == '+')
        return checks_sum_holds(sum->otherwise, text);
    return sum->map[rest] != '?' && sum->map[rest] == text[sum->check];
}

static bool alike(const char *text, size_t length)
{
    return length > 1 && memcmp(text, text + 1, length - 1) == 0;
}

bool checks_rule_holds(const struct checks_rule *rule, const char *text, size_t length)
{
    size_t skip = rule->prefix ? strlen(rule->prefix) : 0;
    if (skip && length > skip && memcmp(text, rule->prefix, skip) == 0) {
        text += skip;
        length -= skip;
    }
    if (alike(text, length))
        return false;
    size_t held = 0, judged = 0;
    for (size_t i = 0; i < 3 && rule->sums[i].length; i++) {
        if (rule->sums[i].length != length)
            continue;
        judged++;
        held += checks_sum_holds(&rule->sums[i], text);
    }
    if (judged == 0 || held < (rule->any ? 1 : judged))
        return false;
    return !rule->date.form || digits_date_valid(&rule->date, text, length);
}

bool checks_by_rule(const struct checks_row *row, const struct checks_input *input)
{
    return checks_rule_holds(row->rule, input->value, input->length);
}

bool checks_in_ranges(const struct checks_range *ranges, int64_t number)
{
    for (; ranges->last; ranges++) {
        if (number >= ranges->first && number <= ranges->last)
            return true;
    }
    return false;
}

bool checks_country(const char *letters)
{
    static const char countries[] =
        "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ "
        "BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM "
        "DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS "
        "GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN "
        "KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ "
        "MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM "
        "PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV "
        "SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI "
        "VN VU WF WS XK YE YT ZA ZM ZW ";
    for (const char *country = countries; *country; country += 3) {
        if (memcmp(country, letters, 2) == 0)
            return true;
    }
    return false;
}

const struct checks_row *checks_at(size_t index)
{
    for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++) {
        if (index < tables[t]->count)
            return &tables[t]->rows[index];
        index -= tables[t]->count;
    }
    return NULL;
}

const struct checks_row *checks_find(const char *name)
{
    const struct checks_row *row;
    for (size_t i = 0; (row = checks_at(i)); i++) {
        if (strcmp(row->name, name) == 0)
            return row;
    }
    return NULL;
}
