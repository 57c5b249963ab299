#include "checks_parts.h"

/* Weights as the issuers publish them; a place without weight is 0. */
static const struct checks_sum baltic_again = {.length = 11,
                                               .check = 10,
                                               .modulus = 11,
                                               .map = CHECKS_MAP_11_TEN_0,
                                               .weights = {3, 4, 5, 6, 7, 8, 9, 1, 2, 3}};

static const struct checks_rule mx_clabe = {
    .sums = {{.length = 18,
              .check = 17,
              .modulus = 10,
              .map = CHECKS_MAP_10,
              .weights = {3, 7, 1, 3, 7, 1, 3, 7, 1, 3, 7, 1, 3, 7, 1, 3, 7}}}};

static const struct checks_rule ar_cbu = {
    .sums = {{.length = 22,
              .check = 7,
              .modulus = 10,
              .map = CHECKS_MAP_10,
              .weights = {7, 1, 3, 9, 7, 1, 3}},
             {.length = 22,
              .check = 21,
              .modulus = 10,
              .map = CHECKS_MAP_10,
              .weights = {0, 0, 0, 0, 0, 0, 0, 0, 3, 9, 7, 1, 3, 9, 7, 1, 3, 9, 7, 1, 3}}}};

static const struct checks_rule es_ccc = {
    .sums = {{.length = 20,
              .check = 8,
              .modulus = 11,
              .map = "01987654321",
              .weights = {4, 8, 16, 32, 64, 128, 256, 512}},
             {.length = 20,
              .check = 9,
              .modulus = 11,
              .map = "01987654321",
              .weights = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512}}}};

static const struct checks_rule ca_bc_phn = {.sums = {{.length = 10,
                                                       .check = 9,
                                                       .modulus = 11,
                                                       .map = CHECKS_MAP_11,
                                                       .weights = {0, 2, 4, 8, 5, 10, 9, 7, 3}}}};

static const struct checks_rule br_cpf = {.sums = {{.length = 11,
                                                    .check = 9,
                                                    .modulus = 11,
                                                    .map = CHECKS_MAP_11_ZERO,
                                                    .weights = {10, 9, 8, 7, 6, 5, 4, 3, 2}},
                                                   {.length = 11,
                                                    .check = 10,
                                                    .modulus = 11,
                                                    .map = CHECKS_MAP_11_ZERO,
                                                    .weights = {11, 10, 9, 8, 7, 6, 5, 4, 3, 2}}}};

static const struct checks_rule ar_cuit = {.sums = {{.length = 11,
                                                     .check = 10,
                                                     .modulus = 11,
                                                     .map = "09987654321",
                                                     .weights = {5, 4, 3, 2, 7, 6, 5, 4, 3, 2}}}};

static const struct checks_rule cl_rut = {.sums = {{.length = 8,
                                                    .check = 7,
                                                    .modulus = 11,
                                                    .map = "0K987654321",
                                                    .weights = {2, 7, 6, 5, 4, 3, 2}},
                                                   {.length = 9,
                                                    .check = 8,
                                                    .modulus = 11,
                                                    .map = "0K987654321",
                                                    .weights = {3, 2, 7, 6, 5, 4, 3, 2}}}};

static const struct checks_rule co_nit = {
    .sums = {{.length = 9,
              .check = 8,
              .modulus = 11,
              .map = "01987654321",
              .weights = {37, 29, 23, 19, 17, 13, 7, 3}},
             {.length = 10,
              .check = 9,
              .modulus = 11,
              .map = "01987654321",
              .weights = {41, 37, 29, 23, 19, 17, 13, 7, 3}}}};

static const struct checks_rule pe_ruc = {.sums = {{.length = 11,
                                                    .check = 10,
                                                    .modulus = 11,
                                                    .map = CHECKS_MAP_11_MOD_10,
                                                    .weights = {5, 4, 3, 2, 7, 6, 5, 4, 3, 2}}}};

static const struct checks_rule uy_ci = {.sums = {{.length = 8,
                                                   .check = 7,
                                                   .modulus = 10,
                                                   .map = CHECKS_MAP_10,
                                                   .weights = {2, 9, 8, 7, 6, 3, 4}}}};

static const struct checks_rule uk_nhs = {.sums = {{.length = 10,
                                                    .check = 9,
                                                    .modulus = 11,
                                                    .map = CHECKS_MAP_11,
                                                    .weights = {10, 9, 8, 7, 6, 5, 4, 3, 2}}}};

static const struct checks_rule uk_utr = {.sums = {{.length = 10,
                                                    .check = 0,
                                                    .modulus = 11,
                                                    .map = "21987654321",
                                                    .weights = {0, 6, 7, 8, 9, 10, 5, 4, 3, 2}},
                                                   {.length = 11,
                                                    .check = 0,
                                                    .modulus = 11,
                                                    .map = "21987654321",
                                                    .weights = {0, 6, 7, 8, 9, 10, 5, 4, 3, 2}}}};

static const struct checks_rule de_id_document = {
    .sums = {{.length = 10,
              .check = 9,
              .modulus = 10,
              .map = CHECKS_MAP_10_PLAIN,
              .letters = true,
              .weights = {7, 3, 1, 7, 3, 1, 7, 3, 1}},
             {.length = 11,
              .check = 9,
              .modulus = 10,
              .map = CHECKS_MAP_10_PLAIN,
              .letters = true,
              .weights = {7, 3, 1, 7, 3, 1, 7, 3, 1}}}};

static const struct checks_rule de_lanr = {.sums = {{.length = 9,
                                                     .check = 6,
                                                     .modulus = 10,
                                                     .map = CHECKS_MAP_10,
                                                     .weights = {4, 9, 4, 9, 4, 9}}}};

static const struct checks_rule pt_nif = {.sums = {{.length = 9,
                                                    .check = 8,
                                                    .modulus = 11,
                                                    .map = CHECKS_MAP_11_ZERO,
                                                    .weights = {9, 8, 7, 6, 5, 4, 3, 2}}}};

static const struct checks_rule nl_bsn = {
    .sums = {{.length = 9, .modulus = 11, .weights = {9, 8, 7, 6, 5, 4, 3, 2, -1}}}};

static const struct checks_rule at_svnr = {.date = {.form = "____DDMMYY", .month_fold = 12},
                                           .sums = {{.length = 10,
                                                     .check = 3,
                                                     .modulus = 11,
                                                     .map = CHECKS_MAP_11_PLAIN,
                                                     .weights = {3, 7, 9, 0, 5, 8, 4, 2, 1, 6}}}};

static const struct checks_rule ch_ahv = {
    .sums = {{.length = 13,
              .check = 12,
              .modulus = 10,
              .map = CHECKS_MAP_10,
              .weights = {1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3}}}};

static const struct checks_rule dk_cpr_mod11 = {
    .sums = {{.length = 10, .modulus = 11, .weights = {4, 3, 2, 7, 6, 5, 4, 3, 2, 1}}}};

static const struct checks_rule no_fodselsnummer = {
    .date = {.form = "DDMMYY", .day_fold = 40},
    .sums = {{.length = 11,
              .check = 9,
              .modulus = 11,
              .map = CHECKS_MAP_11,
              .weights = {3, 7, 6, 1, 8, 9, 4, 5, 2}},
             {.length = 11,
              .check = 10,
              .modulus = 11,
              .map = CHECKS_MAP_11,
              .weights = {5, 4, 3, 2, 7, 6, 5, 4, 3, 2}}}};

static const struct checks_rule is_kennitala = {.date = {.form = "DDMMYY", .day_fold = 40},
                                                .sums = {{.length = 10,
                                                          .check = 8,
                                                          .modulus = 11,
                                                          .map = CHECKS_MAP_11,
                                                          .weights = {3, 2, 7, 6, 5, 4, 3, 2}}}};

static const struct checks_rule pl_pesel = {.date = {.form = "YYMMDD", .month_fold = 20},
                                            .sums = {{.length = 11,
                                                      .check = 10,
                                                      .modulus = 10,
                                                      .map = CHECKS_MAP_10,
                                                      .weights = {1, 3, 7, 9, 1, 3, 7, 9, 1, 3}}}};

static const struct checks_rule pl_nip = {.sums = {{.length = 10,
                                                    .check = 9,
                                                    .modulus = 11,
                                                    .map = CHECKS_MAP_11_PLAIN,
                                                    .weights = {6, 5, 7, 2, 3, 4, 5, 6, 7}}}};

static const struct checks_rule pl_regon = {
    .sums = {{.length = 9,
              .check = 8,
              .modulus = 11,
              .map = CHECKS_MAP_11_TEN_0,
              .weights = {8, 9, 2, 3, 4, 5, 6, 7}},
             {.length = 14,
              .check = 13,
              .modulus = 11,
              .map = CHECKS_MAP_11_TEN_0,
              .weights = {2, 4, 8, 5, 0, 9, 7, 3, 6, 1, 2, 4, 8}}}};

static const struct checks_rule pl_dowod = {
    .sums = {
        {.length = 9, .modulus = 10, .letters = true, .weights = {7, 3, 1, 9, 7, 3, 1, 7, 3}}}};

static const struct checks_rule cz_ico = {.sums = {{.length = 8,
                                                    .check = 7,
                                                    .modulus = 11,
                                                    .map = CHECKS_MAP_11_MOD_10,
                                                    .weights = {8, 7, 6, 5, 4, 3, 2}}}};

static const struct checks_rule hu_taj = {.sums = {{.length = 9,
                                                    .check = 8,
                                                    .modulus = 10,
                                                    .map = CHECKS_MAP_10_PLAIN,
                                                    .weights = {3, 7, 3, 7, 3, 7, 3, 7}}}};

static const struct checks_rule hu_adoazonosito = {
    .sums = {{.length = 10,
              .check = 9,
              .modulus = 11,
              .map = CHECKS_MAP_11_PLAIN,
              .weights = {1, 2, 3, 4, 5, 6, 7, 8, 9}}}};

static const struct checks_rule hu_szemelyi = {
    .any = true,
    .sums = {{.length = 11,
              .check = 10,
              .modulus = 11,
              .map = CHECKS_MAP_11_PLAIN,
              .weights = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}},
             {.length = 11,
              .check = 10,
              .modulus = 11,
              .map = CHECKS_MAP_11_PLAIN,
              .weights = {10, 9, 8, 7, 6, 5, 4, 3, 2, 1}}}};

static const struct checks_rule bg_egn = {.date = {.form = "YYMMDD", .month_fold = 20},
                                          .sums = {{.length = 10,
                                                    .check = 9,
                                                    .modulus = 11,
                                                    .map = CHECKS_MAP_11_TEN_0,
                                                    .weights = {2, 4, 8, 5, 10, 9, 7, 3, 6}}}};

static const struct checks_rule bg_lnch = {.sums = {{.length = 10,
                                                     .check = 9,
                                                     .modulus = 10,
                                                     .map = CHECKS_MAP_10_PLAIN,
                                                     .weights = {21, 19, 17, 13, 11, 9, 7, 3, 1}}}};

static const struct checks_rule gr_afm = {.prefix = "EL",
                                          .sums = {{.length = 9,
                                                    .check = 8,
                                                    .modulus = 11,
                                                    .map = CHECKS_MAP_11_TEN_0,
                                                    .weights = {256, 128, 64, 32, 16, 8, 4, 2}}}};

static const struct checks_rule si_emso = {
    .date = {.form = "DDMMYYY"},
    .sums = {{.length = 13,
              .check = 12,
              .modulus = 11,
              .map = CHECKS_MAP_11,
              .weights = {7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2}}}};

static const struct checks_rule si_davcna = {.prefix = "SI",
                                             .sums = {{.length = 8,
                                                       .check = 7,
                                                       .modulus = 11,
                                                       .map = "?0987654321",
                                                       .weights = {8, 7, 6, 5, 4, 3, 2}}}};

static const struct checks_rule baltic_code = {
    .date = {.form = "_YYMMDD"},
    .sums = {{.length = 11,
              .check = 10,
              .modulus = 11,
              .map = "0123456789+",
              .otherwise = &baltic_again,
              .weights = {1, 2, 3, 4, 5, 6, 7, 8, 9, 1}}}};

static const struct checks_rule ru_inn = {
    .sums = {{.length = 10,
              .check = 9,
              .modulus = 11,
              .map = CHECKS_MAP_11_TEN_0,
              .weights = {2, 4, 10, 3, 5, 9, 4, 6, 8}},
             {.length = 12,
              .check = 10,
              .modulus = 11,
              .map = CHECKS_MAP_11_TEN_0,
              .weights = {7, 2, 4, 10, 3, 5, 9, 4, 6, 8}},
             {.length = 12,
              .check = 11,
              .modulus = 11,
              .map = CHECKS_MAP_11_TEN_0,
              .weights = {3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8}}}};

static const struct checks_rule ua_rnokpp = {.sums = {{.length = 10,
                                                       .check = 9,
                                                       .modulus = 11,
                                                       .map = CHECKS_MAP_11_TEN_0,
                                                       .weights = {-1, 5, 7, 9, 4, 6, 10, 5, 7}}}};

static const struct checks_rule au_tfn = {
    .sums = {{.length = 9, .modulus = 11, .weights = {1, 4, 3, 7, 5, 8, 6, 9, 10}},
             {.length = 8, .modulus = 11, .weights = {10, 7, 8, 4, 6, 3, 5, 1}}}};

static const struct checks_rule au_medicare = {.sums = {{.length = 10,
                                                         .check = 8,
                                                         .modulus = 10,
                                                         .map = CHECKS_MAP_10_PLAIN,
                                                         .weights = {1, 3, 7, 9, 1, 3, 7, 9}},
                                                        {.length = 11,
                                                         .check = 8,
                                                         .modulus = 10,
                                                         .map = CHECKS_MAP_10_PLAIN,
                                                         .weights = {1, 3, 7, 9, 1, 3, 7, 9}}}};

static const struct checks_rule au_acn = {.sums = {{.length = 9,
                                                    .check = 8,
                                                    .modulus = 10,
                                                    .map = CHECKS_MAP_10,
                                                    .weights = {8, 7, 6, 5, 4, 3, 2, 1}}}};

static const struct checks_rule jp_my_number = {
    .sums = {{.length = 12,
              .check = 11,
              .modulus = 11,
              .map = CHECKS_MAP_11_ZERO,
              .weights = {6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2}}}};

static const struct checks_rule th_national_id = {
    .sums = {{.length = 13,
              .check = 12,
              .modulus = 11,
              .map = CHECKS_MAP_11_MOD_10,
              .weights = {13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2}}}};

static const struct checks_row rows[] = {
    {"mx-clabe", 10, checks_by_rule, &mx_clabe},
    {"ar-cbu", 100, checks_by_rule, &ar_cbu},
    {"es-ccc", 121, checks_by_rule, &es_ccc},
    {"ca-bc-phn", 11, checks_by_rule, &ca_bc_phn},
    {"br-cpf", 100, checks_by_rule, &br_cpf},
    {"ar-cuit", 10, checks_by_rule, &ar_cuit},
    {"cl-rut", 11, checks_by_rule, &cl_rut},
    {"co-nit", 10, checks_by_rule, &co_nit},
    {"pe-ruc", 10, checks_by_rule, &pe_ruc},
    {"uy-ci", 10, checks_by_rule, &uy_ci},
    {"uk-nhs", 11, checks_by_rule, &uk_nhs},
    {"uk-utr", 10, checks_by_rule, &uk_utr},
    {"de-id-document", 10, checks_by_rule, &de_id_document},
    {"de-lanr", 10, checks_by_rule, &de_lanr},
    {"pt-nif", 10, checks_by_rule, &pt_nif},
    {"nl-bsn", 11, checks_by_rule, &nl_bsn},
    {"at-svnr", 35, checks_by_rule, &at_svnr},
    {"ch-ahv", 10, checks_by_rule, &ch_ahv},
    {"dk-cpr-mod11", 11, checks_by_rule, &dk_cpr_mod11},
    {"no-fodselsnummer", 1500, checks_by_rule, &no_fodselsnummer},
    {"is-kennitala", 120, checks_by_rule, &is_kennitala},
    {"pl-pesel", 60, checks_by_rule, &pl_pesel},
    {"pl-nip", 11, checks_by_rule, &pl_nip},
    {"pl-regon", 10, checks_by_rule, &pl_regon},
    {"pl-dowod", 10, checks_by_rule, &pl_dowod},
    {"cz-ico", 10, checks_by_rule, &cz_ico},
    {"hu-taj", 10, checks_by_rule, &hu_taj},
    {"hu-adoazonosito", 11, checks_by_rule, &hu_adoazonosito},
    {"hu-szemelyi", 5, checks_by_rule, &hu_szemelyi},
    {"bg-egn", 40, checks_by_rule, &bg_egn},
    {"bg-lnch", 10, checks_by_rule, &bg_lnch},
    {"gr-afm", 10, checks_by_rule, &gr_afm},
    {"si-emso", 300, checks_by_rule, &si_emso},
    {"si-davcna", 11, checks_by_rule, &si_davcna},
    {"ee-isikukood", 120, checks_by_rule, &baltic_code},
    {"lt-asmens-kodas", 120, checks_by_rule, &baltic_code},
    {"ru-inn", 10, checks_by_rule, &ru_inn},
    {"ua-rnokpp", 10, checks_by_rule, &ua_rnokpp},
    {"au-tfn", 11, checks_by_rule, &au_tfn},
    {"au-medicare", 10, checks_by_rule, &au_medicare},
    {"au-acn", 10, checks_by_rule, &au_acn},
    {"jp-my-number", 10, checks_by_rule, &jp_my_number},
    {"th-national-id", 10, checks_by_rule, &th_national_id},
};

const struct checks_table checks_sums = CHECKS_TABLE(rows);
