"""The tutorial's program: Flask, Flask-SQLAlchemy, psycopg2, under gunicorn."""

import os

from flask import Flask, abort, jsonify, request
from flask_sqlalchemy import SQLAlchemy

app = Flask(__name__)
app.json.sort_keys = False
app.config["SQLALCHEMY_DATABASE_URI"] = os.environ["DATABASE_URL"].replace("postgresql:", "postgresql+psycopg2:")
db = SQLAlchemy(app)


class CarsModel(db.Model):
    __tablename__ = "cars"

    id = db.Column(db.Integer, primary_key=True)
    name = db.Column(db.String())
    model = db.Column(db.String())
    doors = db.Column(db.Integer())

    def shown(self):
        return {"id": self.id, "name": self.name, "model": self.model, "doors": self.doors}


@app.get("/cars")
def list_cars():
    cars = CarsModel.query
    doors = request.args.get("min_doors", type=int)
    if doors is not None:
        cars = cars.filter(CarsModel.doors >= doors).order_by(CarsModel.name.desc())
    cars = cars.order_by(CarsModel.id).limit(request.args.get("limit", type=int))
    return jsonify([car.shown() for car in cars])


@app.post("/cars")
def create_car():
    data = request.get_json()
    car = CarsModel(name=data["name"], model=data["model"], doors=data["doors"])
    db.session.add(car)
    db.session.commit()
    return jsonify(car.shown()), 201


@app.get("/cars/<int:car_id>")
def get_car(car_id):
    return jsonify(CarsModel.query.get_or_404(car_id).shown())


@app.put("/cars/<int:car_id>")
def replace_car(car_id):
    car = CarsModel.query.get_or_404(car_id)
    data = request.get_json()
    car.name, car.model, car.doors = data["name"], data["model"], data["doors"]
    db.session.commit()
    return jsonify(car.shown())
