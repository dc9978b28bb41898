"""The end of a journey: payouts awaited, papers and books kept, every invariant looked at."""

from collections import Counter
from collections.abc import Mapping
from datetime import date

from tests.scenarios.office import Failed
from tests.scenarios.stage import Journey
from tests.scenarios.stand_in import StandIn


def close_the_books(journey: Journey, first_day: date, last_day: date) -> None:
    """Exports, the trial balance, and every invariant looked at."""
    journey.go_to(last_day, "18:00")
    await_payouts(journey)
    StandIn(journey.office).refuse_leaks()
    journey.record.trial_balance = trial_balance(journey)
    keep_receipts(journey)
    keep_statements(journey, first_day, last_day)
    file_claims(journey, "rest.837", "The other claims")
    export(journey, first_day, last_day)
    journey.record.verify = journey.office.flask_json("verify")
    journey.record.write()
    if not journey.record.verify["ok"]:
        raise Failed("verify found something wrong; see journey.json.")
    if sum(journey.record.trial_balance.values()) != 0:
        raise Failed("The trial balance is not 0; see journey.json.")


def await_payouts(journey: Journey) -> None:
    """Wait until the clearing account says what the processor's balance says, then list what was paid out."""
    stand_in = StandIn(journey.office)

    def agreed() -> list[int] | None:
        held = stand_in.balance()
        return [held] if held == trial_balance(journey).get("1050", 0) else None

    (left,) = journey.office.until("the payouts are booked", agreed)
    payouts = journey.accountant.get("/payouts", state="paid", limit="100")["items"]
    paid_out = sum(payout["amount_cents"] for payout in payouts)
    journey.record.step("payout", f"{len(payouts)} of the processor", {"paid_out": paid_out, "left": left})


def trial_balance(journey: Journey) -> dict[str, int]:
    """Cents by account, debit positive."""
    balances = journey.accountant.get("/ledger/trial-balance")
    return {row["account"]: row["cents"] for row in balances["accounts"]}


def keep_receipts(journey: Journey) -> None:
    """Of each payment and refund, as the patient has it."""
    for patient_id in (journey.patient_id, journey.second_patient_id):
        for receipt in journey.billing.get(f"/patients/{patient_id}/receipts")["items"]:
            content = journey.billing.content(f"/receipts/{receipt['id']}.pdf")
            journey.record.keep("receipts", f"{receipt['number']}.pdf", content)


def keep_statements(journey: Journey, first_day: date, last_day: date) -> None:
    """Of each patient, as they have it, for the journey and for its year; all of them are in the books."""
    period = {"from": first_day.isoformat(), "to": last_day.isoformat()}
    told = Counter[str]()
    for patient_id in (journey.patient_id, journey.second_patient_id):
        at = f"/patients/{patient_id}"
        statement = journey.desk.get(f"{at}/statement", **period)
        year = journey.desk.get(f"{at}/year-statement", year=str(last_day.year))
        number = statement["patient_number"]
        content = journey.desk.content(f"{at}/statement.pdf", **period)
        journey.record.keep("statements", f"statement-{number}.pdf", content)
        content = journey.desk.content(f"{at}/year-statement.pdf", year=str(last_day.year))
        journey.record.keep("statements", f"year-{last_day.year}-{number}.pdf", content)
        totals = statement["totals"]
        amounts = {"owed": totals["owed_cents"], "expected": totals["expected_cents"]}
        journey.record.step("statement", f"Of patient {number}", {**amounts, "year": year["net_cents"]})
        told.update({name: cents for name, cents in totals.items() if isinstance(cents, int)})
    refuse_another_sum(told, journey.record.trial_balance)


def refuse_another_sum(told: Mapping[str, int], books: Mapping[str, int]) -> None:
    """Raises: Failed where the patients are told another sum than stands in the books."""
    held = ("to_choose", "comes_off", "goes_back", "asked_for", "on_its_way")
    for names, accounts, sign in (
        (("owed_now", "wanted_back"), ("1100",), 1),
        (("paid_ahead", "deposits"), ("2100",), -1),
        (held, ("2200", "2210"), -1),
    ):
        said = sum(told[f"{name}_cents"] for name in names)
        stands = sign * sum(books.get(account, 0) for account in accounts)
        if said != stands:
            raise Failed(f"Statements say {said} cents ({', '.join(names)}), and the books {stands}.")


def file_claims(journey: Journey, name: str, words: str) -> None:
    """What was issued and not sent yet goes in one file, and is filed."""
    path = journey.record.folder / "exports" / name
    told = journey.office.flask_json("claims", "export", "--format", "837p", "--out", str(path))
    (file,) = told["files"]
    journey.record.remember("exports", path)
    filed = f"{words}: {len(file['claims'])} in one file"
    journey.record.step("filing", filed, {"charge": file["charge_cents"]})


def export(journey: Journey, first_day: date, last_day: date) -> None:
    """The books as files for other programs by the command line, the registers by the API."""
    folder = journey.record.folder / "exports"
    period = {"from": first_day.isoformat(), "to": last_day.isoformat()}
    for form in ("beancount", "hledger"):
        path = folder / f"journal.{form}"
        options = ("--from", period["from"], "--to", period["to"], "--format", form, "--out", str(path))
        journey.office.flask("export", "journal", *options)
        journey.record.remember("exports", path)
    for kind in ("journal", "payments", "credits", "refunds", "superbills"):
        content = journey.accountant.content(f"/exports/{kind}", format="csv", **period)
        journey.record.keep("exports", f"{kind}.csv", content)
