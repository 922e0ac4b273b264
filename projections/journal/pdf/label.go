package pdf

import (
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/projections/journal"
)

// Language is that of a document's own words; what people wrote stays as it is.
type Language string

// The languages of documents.
const (
	English Language = "en"
	Chinese Language = "zh"
)

// ParseLanguage reads "en" or "zh"; "" is English. Errors have code invalid_request.
func ParseLanguage(s string) (Language, error) {
	switch Language(s) {
	case "", English:
		return English, nil
	case Chinese:
		return Chinese, nil
	}
	return "", domain.Errorf(domain.CodeInvalid, "language is en or zh")
}

// labels are the words of a statement.
type labels struct {
	title, wallet, period, currency, asOf                       string
	opening, topUps, grants, adjustments, charges, closing      string
	held, time, kind, detail, amount, balance, page, utc, empty string
	kinds                                                       map[string]string
}

func (l Language) labels() labels {
	if l == Chinese {
		return labels{
			title: "账户对账单", wallet: "钱包", period: "期间", currency: "币种", asOf: "截至", opening: "期初余额", topUps: "充值",
			grants: "赠送", adjustments: "调整", charges: "消费", closing: "期末余额", held: "其中冻结", time: "时间 (UTC)", kind: "类型",
			detail: "说明", amount: "金额", balance: "余额", page: "第 %d 页", utc: "UTC", empty: "本期无交易",
			kinds: map[string]string{journal.TopUp: "充值", journal.Grant: "赠送", journal.Adjustment: "调整", journal.Charge: "消费", journal.Correction: "更正"},
		}
	}
	return labels{
		title: "Account statement", wallet: "Wallet", period: "Period", currency: "Currency", asOf: "As of", opening: "Opening balance",
		topUps: "Top-ups", grants: "Grants", adjustments: "Adjustments", charges: "Charges", closing: "Closing balance",
		held: "of which held", time: "Time (UTC)", kind: "Type", detail: "Details", amount: "Amount", balance: "Balance", page: "Page %d",
		utc: "UTC", empty: "No movements in this period",
		kinds: map[string]string{journal.TopUp: "Top-up", journal.Grant: "Grant", journal.Adjustment: "Adjustment", journal.Charge: "Charge", journal.Correction: "Correction"},
	}
}
