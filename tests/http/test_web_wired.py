"""The pages in the whole application, as wsgi.py makes it."""

import re

from billing.kernel.permissions import Role
from tests.factories.web import PASSWORD, new_pay_link, new_staff, open_clinic


def test_staff_sign_in_look_at_a_patient_and_sign_out(app, database, now):
    clinic = open_clinic(database, now)
    staff = new_staff(database, Role.BILLING, now, entity_id=clinic.entity.id)
    client = app.test_client()
    page = client.get("/staff/sign-in").text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)[1]
    form = {"email": staff.email, "password": PASSWORD, "csrf_token": token}
    assert "/staff/today" in client.post("/staff/sign-in", data=form, follow_redirects=True).request.url
    page = client.get(f"/staff/patients/{clinic.patient.id}").text
    assert "Maria Sample" in page
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)[1]
    client.post("/staff/sign-in/out", data={"csrf_token": token})
    assert client.get("/staff/today").location == "/staff/sign-in"


def test_a_pay_link_opens_for_a_stranger_and_pays_by_post_alone(app, database, now):
    clinic = open_clinic(database, now)
    client, link = app.test_client(), f"/pay/{new_pay_link(database, clinic.invoice.id, now)}"
    assert "$2,550.00" in client.get(link).text
    assert client.post(link).status_code == 400


def test_a_form_of_another_site_changes_nothing(app, database, now):
    clinic = open_clinic(database, now)
    answer = app.test_client().post(f"/staff/invoices/{clinic.invoice.id}/cash", data={"amount": "1"})
    assert (answer.status_code, answer.location) == (303, "/staff/sign-in")
