#include "check.h"

#include <stdlib.h>

#include "checks.h"
#include "digits.h"

/* Made-up values with right check digits, and each with a mistake. */
static const struct {
    const char *check, *valid, *invalid;
} samples[] = {
    {"card", "4539044348743998", "4539044348743999"},
    {"card-visa", "4716175389400521", "4716175389400522"},
    {"card-mastercard", "5425802006414630", "5425802006414631"},
    {"card-amex", "371416112237861", "371416112237862"},
    {"card-diners", "30560412820984", "30560412820985"},
    {"card-discover", "6011015917590947", "6011015917590948"},
    {"card-jcb", "3540061986582099", "3540061986582090"},
    {"card-unionpay", "6212659808137701", "6212659808137702"},
    {"card-maestro", "6759962778246224", "6759962778246225"},
    {"card-mir", "2200172017277956", "2200172017277957"},
    {"card-rupay", "6080398691970352", "6080398691970353"},
    {"card-elo-hipercard", "6362970695574106", "6362970695574107"},
    {"card-verve", "5061059077584747", "5061059077584748"},
    {"card-troy-dankort-uatp", "9792944544929138", "9792944544929139"},
    {"iban", "DE19370400440157442843", "DE19370400440157442844"},
    {"bic", "DEUTDEFF500", "DEUTZZFF500"},
    {"aba", "015370822", "015370823"},
    {"mx-clabe", "002102246901030884", "002102246901030885"},
    {"ar-cbu", "2852626368368800824564", "2852626368368800824565"},
    {"es-ccc", "73905124856451162209", "73905124856451162200"},
    {"cusip", "587242V05", "587242V06"},
    {"lei", "5493007Z9UWW9ZXRVO08", "5493007Z9UWW9ZXRVO09"},
    {"us-ssn", "536228145", "666228145"},
    {"us-ein", "472816435", "072816435"},
    {"ca-bc-phn", "9497332138", "9497332139"},
    {"br-cpf", "77133932504", "77133932505"},
    {"br-cnpj", "08839346000190", "08839346000191"},
    {"ar-cuit", "20505610408", "20505610409"},
    {"cl-rut", "166280737", "166280738"},
    {"mx-curp", "ROGM850314MDFSRR01", "ROGM850314MDFSRR02"},
    {"co-nit", "8677638171", "8677638172"},
    {"pe-ruc", "10018465308", "10018465309"},
    {"ec-ci", "1737772358", "1737772359"},
    {"uy-ci", "46957899", "46957890"},
    {"ve-rif", "V397001969", "V397001960"},
    {"uk-nino", "JG421857C", "BG421857C"},
    {"uk-nhs", "6049499527", "6049499528"},
    {"uk-utr", "5929605480", "6929605480"},
    {"de-steuer-id", "25809176484", "25809176485"},
    {"de-id-document", "L6FJJ3LW06", "L6FJJ3LW07"},
    {"de-id-document", "C9VMZ33L31", "C9VMZ33L32"},
    {"de-rvnr", "15010156M072", "15010156M073"},
    {"de-kvnr", "T490705417", "T490705418"},
    {"de-lanr", "492680901", "492680001"},
    {"fr-nir", "284057511276890", "284057511276891"},
    {"fr-spi", "1450231737451", "1450231737452"},
    {"fr-siren", "552890584", "552890585"},
    {"fr-siret", "73232347200017", "73232347200018"},
    {"es-dni", "32596451T", "32596451R"},
    {"es-nie", "X8929790V", "X8929790H"},
    {"es-cif", "A86557956", "A86557957"},
    {"es-nuss", "282841963934", "282841963935"},
    {"it-codice-fiscale", "RSSMRA85T10A562S", "RSSMRA85T10A562T"},
    {"it-partita-iva", "00746550151", "00746550152"},
    {"pt-nif", "202377695", "202377696"},
    {"pt-cartao-cidadao", "757560103ZY5", "757560103ZY6"},
    {"nl-bsn", "217324782", "217324783"},
    {"be-nn", "79100219816", "79100219817"},
    {"at-svnr", "1779030362", "1770030362"},
    {"ch-ahv", "7564096392744", "7564096392745"},
    {"dk-cpr", "0903651121", "3203651121"},
    {"se-personnummer", "6602238740", "6602238741"},
    {"se-orgnr", "5569397440", "5569397441"},
    {"no-fodselsnummer", "15106216859", "15106216850"},
    {"fi-hetu", "040160548J", "040160548K"},
    {"is-kennitala", "2609732319", "2609732329"},
    {"pl-pesel", "65081368546", "65081368547"},
    {"pl-nip", "9859647585", "9859647586"},
    {"pl-regon", "995518137", "995518138"},
    {"pl-dowod", "AXR181150", "AXR281150"},
    {"cz-sk-rodne-cislo", "8953210959", "8953210950"},
    {"cz-ico", "85771074", "85771075"},
    {"hu-taj", "962849848", "962849849"},
    {"hu-adoazonosito", "8547049258", "8547049259"},
    {"hu-szemelyi", "15901060160", "15901060161"},
    {"ro-cnp", "1920525122060", "1920525122061"},
    {"bg-egn", "8110018936", "8110018937"},
    {"bg-lnch", "4050834150", "4050834151"},
    {"gr-amka", "06107436625", "06107436626"},
    {"gr-afm", "049222688", "049222689"},
    {"hr-oib", "57106408282", "57106408283"},
    {"si-emso", "1502980506397", "1502980506398"},
    {"si-davcna", "12508551", "12508552"},
    {"ee-isikukood", "37411102899", "37411102890"},
    {"lt-asmens-kodas", "35011206735", "35011206736"},
    {"lv-personas-kods", "20067810197", "20067810198"},
    {"ie-pps", "9061016VA", "9061016WA"},
    {"lu-matricule", "1982022888763", "1982022888764"},
    {"cy-tic", "14619390N", "14619390O"},
    {"ru-inn", "202483351571", "202483351572"},
    {"ru-snils", "48969884813", "48969884814"},
    {"ua-rnokpp", "3370522320", "3370522321"},
    {"au-tfn", "197177656", "197177657"},
    {"au-medicare", "2458132871", "2458132881"},
    {"au-abn", "51896281050", "51896281051"},
    {"au-acn", "932086783", "932086784"},
    {"nz-ird", "92084450", "92084451"},
    {"nz-nhi", "KPZ8258", "KPZ8259"},
    {"in-aadhaar", "429409849299", "429409849290"},
    {"in-pan", "BKLPS4821F", "BKLXS4821F"},
    {"in-gstin", "27BKLPS4821F1ZX", "27BKLPS4821F1ZY"},
    {"in-voter-epic", "ABC4271839", "ABC4271830"},
    {"cn-resident-id", "110101199710090732", "110101199710090733"},
    {"cn-uscc", "91110105MA0MFBG4JF", "91110105MA0MFBG4JG"},
    {"hk-hkid", "A5767981", "A5767980"},
    {"tw-national-id", "A183098258", "A183098259"},
    {"jp-my-number", "700949513256", "700949513257"},
    {"jp-corporate", "8497011054684", "9497011054684"},
    {"kr-rrn-digit", "5905111555566", "5905111555567"},
    {"kr-brn", "1254047163", "1254047164"},
    {"sg-nric-fin", "S2951613H", "S2951613Z"},
    {"my-mykad", "500317142261", "501317142261"},
    {"th-national-id", "1690799123491", "1690799123492"},
    {"id-nik", "3171234708850002", "3171233908850002"},
    {"vn-cccd", "001185012345", "00118501234"},
    {"tr-tckn", "37795006030", "37795006031"},
    {"il-id", "029266657", "029266658"},
    {"za-id", "7803058902081", "7803058902082"},
    {"sa-national-id", "1826919092", "1826919093"},
    {"luhn", "784198505974661", "784198505974662"},
    {"verhoeff", "21627852406", "21558511552"},
    {"passport-mrz", "W898781032UTO7408122F3212046<<<<<<<<<<<<<<06",
     "W898781032UTO7408122F3212046<<<<<<<<<<<<<<07"},
    {"uk-driving-licence", "MORGA753116SM9IJ", "MORGA793116SM9IJ"},
    {"us-npi", "1244222406", "1244222407"},
    {"us-dea", "BM7513787", "BM7513788"},
    {"us-mbi", "1EG4TE5MK73", "1SG4TE5MK73"},
    {"us-ndc", "0777310502", "077731002"},
    {"phone-nanp", "4152739184", "1152739184"},
    {"ipv4", "198.18.44.7", "198.18.444.7"},
    {"mac-address", "5c:e9:1e:7b:04:d8", "5c:e9:1e:7b:04"},
    {"imei", "352100326806520", "352100326806521"},
    {"vin-digit", "1HGCM82633A684334", "1HGCM82603A684334"},
    {"btc-address", "1Lyqqta5L5zrZXjVn9fUbYSCVaGHEEabo3", "1Lyqqta5L5zrZXjVn9fUbYSCVaGHEEabo2"},
    {"btc-bech32", "bc1qmv48ftg8zfhvejnp5c962gguj7sy8nrlytlnqn",
     "bc1qmv48ftg8zfhvejnp5c962gguj7sy8nrlytlnqq"},
    {"ltc-doge-addresses", "LfCo76suQkEupLRexHemsZVxhndZKwu8xr",
     "LfCo76suQkEupLRexHemsZVxhndZKwu8x2"},
    {"eth-address", "0xDb2A74Ad07126ECCCA61a60ba5211C97a043CC7f",
     "0xDB2A74Ad07126ECCCA61a60ba5211C97a043CC7f"},
    {"btc-wif", "Kzm1ZSEr9QCuF58TYmvUW7m4ovDgxrpFzQfadiatGdeqhArvBGjQ",
     "Kzm1ZSEr9QCuF58TYmvUW7m4ovDgxrpFzQfadiatGdeqhArvBGj2"},
    {"aws-access-key", "AKIANNFRZA32G5KD2WWS", "AKIAXXXXXXXXXXXXXXXX"},
    {"aws-secret-key", "AWS_SECRET_ACCESS_KEY=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",
     "AWS_SECRET_ACCESS_KEY=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},
    {"github-crc",
     "ghp"
     "_Vo6DytKd3SBcee5isGWwX1xCagcZz5068GaP",
     "ghp"
     "_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"},
    {"age-secret-key", "AGE-SECRET-KEY-1QUYQJZSTPSXSURCSZYFPX9Q4ZCT3SXG6RVWP68SLYQSJYGEYY5NQ23P5FC",
     "AGE-SECRET-KEY-1QQ"},
    {"generic-secret", "DB_PASSWORD=\"9FK2XTQ7LW0\"", "DB_PASSWORD=\"CHANGEME\""},
};

static bool passes(const char *name, const char *value, size_t length)
{
    const struct checks_row *row = checks_find(name);
    if (!row)
        fail_msg("no check %s", name);
    const struct checks_input input = {value, length, value, length};
    return row && checks_pass(row, &input);
}

TEST(every_check_passes_what_is_right_and_refuses_a_mistake)
{
    size_t wrong = 0;
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        bool right = passes(samples[i].check, samples[i].valid, strlen(samples[i].valid));
        bool mistake = passes(samples[i].check, samples[i].invalid, strlen(samples[i].invalid));
        if (!right)
            print_error("%s refuses %s\n", samples[i].check, samples[i].valid);
        if (mistake)
            print_error("%s passes %s\n", samples[i].check, samples[i].invalid);
        wrong += (size_t)(right ? 0 : 1) + (size_t)(mistake ? 1 : 0);
    }
    assert_int_equal(wrong, 0);
}

/* In a block of its own size, so that a byte read beyond it is noticed. */
static void feed(const struct checks_row *row, const char *bytes, size_t length)
{
    char *copy = malloc(length ? length : 1);
    assert_non_null(copy);
    if (length)
        memcpy(copy, bytes, length);
    const struct checks_input input = {copy, length, copy, length};
    checks_pass(row, &input);
    free(copy);
}

TEST(no_check_reads_beyond_a_value_of_any_length)
{
    static const char fills[] = "0159AZazX:@.-=<\x80\xff";
    char bytes[10000];
    const struct checks_row *row;
    for (size_t i = 0; (row = checks_at(i)); i++) {
        for (size_t f = 0; f + 1 < sizeof(fills); f++) {
            memset(bytes, fills[f], sizeof(bytes));
            for (size_t length = 0; length <= 100; length++)
                feed(row, bytes, length);
            feed(row, bytes, sizeof(bytes));
        }
    }
}

static uint32_t next(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

TEST(no_check_trips_over_values_cut_or_changed_anywhere)
{
    uint32_t seed = 20;
    char bytes[256];
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        const struct checks_row *row = checks_find(samples[i].check);
        size_t length = strlen(samples[i].valid);
        for (size_t cut = 0; cut <= length; cut++)
            feed(row, samples[i].valid, cut);
        for (size_t round = 0; round < 500; round++) {
            memcpy(bytes, samples[i].valid, length);
            bytes[next(&seed) % length] = (char)next(&seed);
            bytes[next(&seed) % length] = (char)next(&seed);
            feed(row, bytes, length);
        }
    }
}

/* The rate decides whether a bare number may be found without a keyword, so it must be true. */
TEST(checks_pass_random_digits_no_more_often_than_they_say)
{
    enum { tries = 40000 };
    uint32_t seed = 7;
    size_t wrong = 0;
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        const struct checks_row *row = checks_find(samples[i].check);
        size_t length = strlen(samples[i].valid), passed = 0;
        if (!digits_only(samples[i].valid, length))
            continue;
        for (size_t try = 0; try < tries; try++) {
            char value[64];
            for (size_t k = 0; k < length; k++)
                value[k] = (char)('0' + next(&seed) % 10);
            const struct checks_input input = {value, length, value, length};
            passed += checks_pass(row, &input);
        }
        if (passed * (uint64_t)row->one_in <= tries * 2)
            continue;
        print_error("%s passes %zu of %d, says 1 in %u\n", row->name, passed, tries, row->one_in);
        wrong++;
    }
    assert_int_equal(wrong, 0);
}

TEST(names_of_checks_are_unique_and_found)
{
    const struct checks_row *row;
    for (size_t i = 0; (row = checks_at(i)); i++) {
        assert_ptr_equal(checks_find(row->name), row);
        assert_true(row->one_in > 0);
    }
    assert_null(checks_find("no-such-check"));
    assert_null(checks_find(""));
}

TEST(dates_are_those_of_the_calendar)
{
    static const struct digits_date day_first = {.form = "DDMMYY", .day_fold = 40},
                                    full = {.form = "_YYYYMMDD"};
    static const struct {
        const struct digits_date *date;
        const char *text;
        bool valid;
    } cases[] = {
        {&day_first, "290200", true}, {&day_first, "290201", false}, {&day_first, "310499", false},
        {&day_first, "710199", true}, {&day_first, "720199", false}, {&day_first, "3101", false},
        {&full, "x20240229", true},   {&full, "x19000229", false},   {&full, "x18000101", false},
        {&full, "x20241301", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        CHECK_CASE(i, digits_date_valid(cases[i].date, cases[i].text, strlen(cases[i].text)) ==
                          cases[i].valid);
}

TEST(secrets_are_told_from_placeholders)
{
    static const struct {
        const char *check, *text;
        bool pass;
    } cases[] = {
        {"generic-secret", "db_password = \"9fK2-xTq7Lw0\"", true},
        {"generic-secret", "db_password = \"changeme\"", false},
        {"generic-secret", "token: ${VAULT_TOKEN_1}", false},
        {"generic-secret", "secret = os.environ['A1']", false},
        {"generic-secret", "password = 20240131", false},
        {"url-password", "postgres://app:t7Kq-29vLz@db.int.test/main", true},
        {"url-password", "postgres://app:${PW}@db.int.test/main", false},
        {"url-password", "https://user:password@host.test/", false},
        {"url-password", "ftp://u:t7Kq29vLz@ftp.example.org/", false},
        {"basic-credentials", "\"auth\": \"YWRhOmNvcnJlY3QtaG9yc2U=\"", true},
        {"basic-credentials", "\"auth\": \"AAAAAAAAAAAAAAAA\"", false},
        {"http-authorization", "Authorization: Basic YWRhOnQ3S3EtMjl2THo=", true},
        {"http-authorization", "Authorization: Basic realm", false},
        {"wireguard-key", "PrivateKey = yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=", true},
        {"wireguard-key", "PrivateKey = zAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=", false},
        {"date", "29.02.2024", true},
        {"date", "2/29/24", true},
        {"date", "1974-08-12", true},
        {"date", "32.08.1974", false},
        {"date", "12.08", false},
        {"jwt",
         "eyJ"
         "hbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MTcyIn0.pZKOji4ydRaj0Y3cq",
         true},
        {"jwt",
         "eyJ"
         "hbGciOiJub25lIn0.eyJzdWIiOiI0MTcyIn0.",
         false},
        {"pem-body",
         "-----BEGIN "
         "PRIVATE KEY-----\nMIIB",
         false},
        {"de-fuehrerschein", "B072RRE2I55", true},
        {"de-fuehrerschein", "BEISPIELE12", false},
        {"email", "ada.lind@firma.test", true},
        {"email", "ada..lind@firma.test", false},
        {"email", "someone@example.com", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        CHECK_CASE(i,
                   passes(cases[i].check, cases[i].text, strlen(cases[i].text)) == cases[i].pass);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_check_passes_what_is_right_and_refuses_a_mistake),
        cmocka_unit_test(no_check_reads_beyond_a_value_of_any_length),
        cmocka_unit_test(no_check_trips_over_values_cut_or_changed_anywhere),
        cmocka_unit_test(checks_pass_random_digits_no_more_often_than_they_say),
        cmocka_unit_test(names_of_checks_are_unique_and_found),
        cmocka_unit_test(dates_are_those_of_the_calendar),
        cmocka_unit_test(secrets_are_told_from_placeholders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
