package charge_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/charge"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
)

var walletID = uuid.MustParse("018f3a5e-0000-7000-8000-000000000001")

func requireCode(t *testing.T, code domain.Code, err error) {
	t.Helper()
	require.Equal(t, code, domain.CodeOf(err), "%v", err)
}

func suspect() wallet.UsageCharged {
	return wallet.UsageCharged{HoldID: uuid.MustParse("018f3a5e-0000-7000-8000-00000000000a"), Provenance: usage.Reported, Charge: money.MustParse("2"), Call: wallet.Call{Suspect: true}}
}

// note folds a correction by a piece of evidence.
func note(t *testing.T, s *charge.State, evidence string) {
	t.Helper()
	n, err := s.Next(suspect(), evidence)
	require.NoError(t, err)
	s.Apply(s.Note(walletID, wallet.ChargeCorrected{
		HoldID: suspect().HoldID, Number: n, Evidence: evidence, After: wallet.Bill{Charge: money.MustParse(strconv.FormatInt(n, 10))},
	}), time.Time{})
}

func TestC1_OnlyWhatIsInDoubtIsCorrected(t *testing.T) {
	t.Parallel()
	reported := suspect()
	reported.Call.Suspect = false
	_, err := charge.New().Next(reported, "x")
	requireCode(t, domain.CodeChargeFinal, err)
	estimated := reported
	estimated.Provenance = usage.Estimated
	n, err := charge.New().Next(estimated, "x")
	require.NoError(t, err)
	require.Equal(t, int64(1), n)
	require.Equal(t, "charge-018f3a5e-0000-7000-8000-00000000000a", string(charge.Stream(reported.HoldID)))
}

func TestC2_EvidenceCountsOnce(t *testing.T) {
	t.Parallel()
	s := charge.New()
	require.Equal(t, "2", s.Before(suspect()).Charge.String())
	note(t, s, "invoice 1")
	require.Equal(t, "1", s.Before(suspect()).Charge.String())
	_, err := s.Next(suspect(), "invoice 1")
	requireCode(t, domain.CodeEvidenceUsed, err)
	for i := 2; i <= charge.MaxCorrections; i++ {
		note(t, s, "invoice "+strconv.Itoa(i))
	}
	_, err = s.Next(suspect(), "another")
	requireCode(t, domain.CodeChargeFinal, err)
}

func TestC3_ASuspectChargeIsAcceptedOnce(t *testing.T) {
	t.Parallel()
	s := charge.New()
	fine := suspect()
	fine.Call.Suspect = false
	_, err := s.Review(charge.Review{Charge: fine, Decision: charge.Accept, Reason: "fine"})
	requireCode(t, domain.CodeChargeFinal, err)
	_, err = s.Review(charge.Review{Charge: suspect(), Decision: charge.Accept})
	requireCode(t, domain.CodeInvalid, err)
	_, err = s.Review(charge.Review{Charge: suspect(), Decision: "forgotten", Reason: "x"})
	requireCode(t, domain.CodeInvalid, err)
	e, err := s.Review(charge.Review{WalletID: walletID, Charge: suspect(), Decision: charge.Accept, Reason: "as invoiced"})
	require.NoError(t, err)
	require.Equal(t, charge.Reviewed{GenerationID: suspect().HoldID, WalletID: walletID, Decision: charge.Accept, Reason: "as invoiced"}, e)
	s.Apply(e, time.Time{})
	_, err = s.Review(charge.Review{Charge: suspect(), Decision: charge.Accept, Reason: "again"})
	requireCode(t, domain.CodeChargeReviewed, err)
	corrected := charge.New()
	note(t, corrected, "lookup")
	_, err = corrected.Review(charge.Review{Charge: suspect(), Decision: charge.Accept, Reason: "late"})
	requireCode(t, domain.CodeChargeReviewed, err)
}

func TestC4_CorrectionsFollowAnyDecision(t *testing.T) {
	t.Parallel()
	s := charge.New()
	s.Apply(charge.Reviewed{Decision: charge.Accept}, time.Time{})
	_, err := s.Review(charge.Review{Charge: suspect(), Decision: charge.Correct, Reason: "the invoice came"})
	require.NoError(t, err)
	note(t, s, "invoice")
	_, err = s.Review(charge.Review{Charge: suspect(), Decision: charge.Correct, Reason: "another invoice"})
	require.NoError(t, err)
	require.NoError(t, s.Check())
	s.Apply(wallet.HoldSuspected{}, time.Time{}) // not its own
	require.Len(t, s.Evidence, 1)
}
